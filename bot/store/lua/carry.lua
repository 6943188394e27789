-- Put what a conversation came to while the store was away in place of what the store holds, and make it due.
-- KEYS: 1 conversation, 2 due set, 3 leased set, 4 fence: the last token
-- ARGV: 1 and 2 token and settled token when it was read ('' for none), 3 member, 4 state JSON, 5 attempt JSON or '',
--       6 due time (ms), 7 life (ms)
-- Gives 1, or 0 when somebody claimed or settled it since (nothing is written then).
-- Invariant: whoever held it before the store went away holds it no more, and its late settle is refused.
local function carry(keys, args)
  local held = redis.call('HMGET', keys[1], 'token', 'settled')
  if (held[1] or '') ~= args[1] or (held[2] or '') ~= args[2] then
    return 0
  end
  local token = fresh(redis.call('GET', keys[4]))
  redis.call('SET', keys[4], token)
  redis.call('HSET', keys[1], 'token', token, 'state', args[4])
  redis.call('HDEL', keys[1], 'attempt', 'again')
  if args[5] ~= '' then
    redis.call('HSET', keys[1], 'attempt', args[5])
  end
  redis.call('PEXPIRE', keys[1], args[7])
  redis.call('ZREM', keys[3], args[3])
  redis.call('ZADD', keys[2], 'LT', args[6], args[3])
  return 1
end

redis.register_function('fogbell_carry', carry)
