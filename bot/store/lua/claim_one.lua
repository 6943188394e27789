-- Take one conversation, due or not, with a new fencing token: for an operator who changes it.
-- KEYS: 1 due set, 2 leased set, 3 fence: the last token, 4 conversation
-- ARGV: 1 member, 2 lease (ms), 3 owner
-- Gives {member, token, state or false, attempt or false, 0, false, false} as `claim` does, or false while somebody holds it.
-- Invariant: as of claim; a mark that the chat must be asked first stays, because nothing is asked here.
local function claim_one(keys, args)
  local clock = millis()
  local ends = redis.call('ZSCORE', keys[2], args[1])
  if ends and tonumber(ends) > clock then
    return false
  end
  local token = fresh(redis.call('GET', keys[3]))
  redis.call('SET', keys[3], token)
  redis.call('ZREM', keys[1], args[1])
  redis.call('ZADD', keys[2], clock + tonumber(args[2]), args[1])
  redis.call('HSET', keys[4], 'token', token, 'owner', args[3])
  local held = redis.call('HMGET', keys[4], 'state', 'attempt')
  return {args[1], token, held[1], held[2], 0, false, false}
end

redis.register_function('fogbell_claim_one', claim_one)
