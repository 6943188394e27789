-- Write the outcomes after a step, of one conversation or of many; refused where the fencing token is old, as in `begin`.
-- KEYS: 1 touched set, 2 due set, 3 leased set, then the conversations
-- ARGV: 1 life (ms), then of each: token, member, state JSON, due time (ms) or '', 'keep' to keep the attempt, 'look' to keep
--       the mark
-- Gives a list: 1, or 2 where something changed while the conversation was in work, or 0 where another worker owns it now
-- (nothing is written there then).
-- Invariant: what changed while the conversation was in work (`again`) makes it due at once. A token settles once: the client
-- repeats a call whose reply was lost, and must not undo what came in between.
local function settle_one(due, leased, conversation, life, token, member, state, due_ms, keep, look)
  local was = redis.call('HMGET', conversation, 'settled', 'again', 'recheck')
  if was[1] == token then
    return 2
  end
  redis.call('HSET', conversation, 'state', state, 'settled', token)
  redis.call('HDEL', conversation, 'again')
  if keep ~= 'keep' then
    redis.call('HDEL', conversation, 'attempt')
  end
  if was[3] == token and look ~= 'look' then  -- a mark that came while it was in work stays
    redis.call('HDEL', conversation, 'recheck')
  end
  redis.call('PEXPIRE', conversation, life)
  redis.call('ZREM', leased, member)  -- not from the due set: when the lease ran out, it may have been woken there since
  for _, at_ms in ipairs({was[2] or '', due_ms}) do
    if at_ms ~= '' then
      redis.call('ZADD', due, 'LT', at_ms, member)
    end
  end
  return was[2] and 2 or 1
end

local function settle(keys, args)
  local owned, members = {}, {}
  for n = 1, #keys - 3 do
    local first, conversation = 6 * n - 4, keys[n + 3]
    owned[n] = 0
    if owns(conversation, args[first]) then
      owned[n] = settle_one(keys[2], keys[3], conversation, args[1], unpack(args, first, first + 5))
      members[#members + 1] = args[first + 1]
    end
  end
  touch(keys[1], members)
  return owned
end

redis.register_function('fogbell_settle', settle)
