-- Write the intention before a step, and its outcome after it; both are refused when the fencing token is old.
-- KEYS: 1 conversation, 2 due set, 3 leased set
-- begin  ARGV: 1 token, 2 attempt JSON
-- settle ARGV: 1 token, 2 member, 3 state JSON, 4 due time (ms) or '', 5 life (ms), 6 'keep' to keep the attempt
-- Both give 1, or 0 when another worker owns the conversation now (nothing is written then).
-- Invariant: what changed while the conversation was in work (`again`) makes it due at once. A token settles once: the client
-- repeats a call whose reply was lost, and must not undo what came in between.
local function owns(conversation, token)
  return redis.call('HGET', conversation, 'token') == token
end

local function begin(keys, args)
  if not owns(keys[1], args[1]) then
    return 0
  end
  redis.call('HSET', keys[1], 'attempt', args[2])
  return 1
end

local function settle(keys, args)
  if not owns(keys[1], args[1]) then
    return 0
  end
  if redis.call('HGET', keys[1], 'settled') == args[1] then
    return 1
  end
  local again = redis.call('HGET', keys[1], 'again')
  redis.call('HSET', keys[1], 'state', args[3], 'settled', args[1])
  redis.call('HDEL', keys[1], 'again')
  if args[6] ~= 'keep' then
    redis.call('HDEL', keys[1], 'attempt')
  end
  redis.call('PEXPIRE', keys[1], args[5])
  redis.call('ZREM', keys[3], args[2])
  redis.call('ZREM', keys[2], args[2])
  if again then
    redis.call('ZADD', keys[2], again, args[2])
  end
  if args[4] ~= '' then
    redis.call('ZADD', keys[2], 'LT', args[4], args[2])
  end
  return 1
end

redis.register_function('fogbell_begin', begin)
redis.register_function('fogbell_settle', settle)
