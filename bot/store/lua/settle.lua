-- Write the intention before a step, and its outcome after it; both are refused when the fencing token is old.
-- KEYS: 1 conversation, 2 touched set, 3 due set, 4 leased set (begin: only the first two)
-- ARGV: 1 token, 2 member; begin: 3 attempt JSON;
--       settle: 3 state JSON, 4 due time (ms) or '', 5 life (ms), 6 'keep' to keep the attempt, 7 'look' to keep the mark
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
  redis.call('HSET', keys[1], 'attempt', args[3])
  touch(keys[2], args[2])
  return 1
end

local function settle(keys, args)
  if not owns(keys[1], args[1]) then
    return 0
  end
  local was = redis.call('HMGET', keys[1], 'settled', 'again', 'recheck')
  if was[1] == args[1] then
    return 1
  end
  redis.call('HSET', keys[1], 'state', args[3], 'settled', args[1])
  redis.call('HDEL', keys[1], 'again')
  if args[6] ~= 'keep' then
    redis.call('HDEL', keys[1], 'attempt')
  end
  if was[3] == args[1] and args[7] ~= 'look' then  -- a mark that came while it was in work stays
    redis.call('HDEL', keys[1], 'recheck')
  end
  redis.call('PEXPIRE', keys[1], args[5])
  touch(keys[2], args[2])
  redis.call('ZREM', keys[4], args[2])  -- not from the due set: when the lease ran out, it may have been woken there since
  for _, due_ms in ipairs({was[2] or '', args[4]}) do
    if due_ms ~= '' then
      redis.call('ZADD', keys[3], 'LT', due_ms, args[2])
    end
  end
  return 1
end

redis.register_function('fogbell_begin', begin)
redis.register_function('fogbell_settle', settle)
