-- Conversations that somebody must look at again: those of a worker that died, and all that a fail-over may have harmed.
-- Invariant: a conversation in work is marked `again` instead of made due twice.

-- Give back what a worker of this name held when it died, so that its next life need not wait for the leases.
-- KEYS: 1 due set, 2 leased set; ARGV: 1 now (ms), 2 owner, 3 prefix of conversation keys. Gives how many.
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

-- Mark what is due or in work, what was written to lately, and what the caller knows of: the chat is asked before anything
-- is posted there, because the newest writes may be lost.
-- KEYS: 1 due set, 2 leased set, 3 touched set
-- ARGV: 1 now (ms), 2 how far to look back (ms), 3 prefix of conversation keys, 4 their life (ms), 5.. members. Gives how many.
local function recheck(keys, args)
  local suspects = {}
  local function suspect(members)
    for _, member in ipairs(members) do
      suspects[member] = true
    end
  end
  suspect(redis.call('ZRANGEBYSCORE', keys[1], '-inf', args[1]))
  suspect(redis.call('ZRANGE', keys[2], 0, -1))
  suspect(redis.call('ZRANGEBYSCORE', keys[3], millis() - tonumber(args[2]), '+inf'))
  for n = 5, #args do
    suspects[args[n]] = true
  end
  local marked = 0
  for member in pairs(suspects) do
    local conversation = args[3] .. member
    redis.call('HSET', conversation, 'recheck', 'new')
    redis.call('PEXPIRE', conversation, args[4], 'NX')
    wake(keys[1], keys[2], conversation, member, args[1])
    marked = marked + 1
  end
  return marked
end

redis.register_function('fogbell_give_back', give_back)
redis.register_function('fogbell_recheck', recheck)
