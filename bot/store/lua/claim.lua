-- Take due conversations, each with a new fencing token; those whose holder let the lease run out are due again.
-- KEYS: 1 due set, 2 leased set, 3 fence counter
-- ARGV: 1 now (ms of the caller's clock, for due times), 2 limit, 3 lease (ms), 4 prefix of conversation keys, 5 owner
-- Gives a list of {member, token, state or false, attempt or false}.
-- Invariant: a member is in the due set or in the leased set, never in both.
local function claim(keys, args)
  local time = redis.call('TIME')
  local clock = time[1] * 1000 + math.floor(time[2] / 1000)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', keys[2], '-inf', clock, 'LIMIT', 0, 100)) do
    redis.call('ZREM', keys[2], member)
    redis.call('ZADD', keys[1], 'LT', args[1], member)
  end
  local claimed = {}
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', keys[1], '-inf', args[1], 'LIMIT', 0, args[2])) do
    local conversation = args[4] .. member
    local token = redis.call('INCR', keys[3])
    redis.call('ZREM', keys[1], member)
    redis.call('ZADD', keys[2], clock + tonumber(args[3]), member)
    redis.call('HSET', conversation, 'token', token, 'owner', args[5])
    local held = redis.call('HMGET', conversation, 'state', 'attempt')
    claimed[#claimed + 1] = {member, token, held[1], held[2]}
  end
  return claimed
end

-- Give back what a worker of this name held when it died, so that its next life need not wait for the leases.
-- KEYS: 1 due set, 2 leased set; ARGV: 1 now (ms), 2 owner, 3 prefix of conversation keys
local function give_back(keys, args)
  local given = 0
  for _, member in ipairs(redis.call('ZRANGE', keys[2], 0, -1)) do
    if redis.call('HGET', args[3] .. member, 'owner') == args[2] then
      redis.call('ZREM', keys[2], member)
      redis.call('ZADD', keys[1], 'LT', args[1], member)
      given = given + 1
    end
  end
  return given
end

redis.register_function('fogbell_claim', claim)
redis.register_function('fogbell_give_back', give_back)
