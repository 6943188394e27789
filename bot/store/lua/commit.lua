-- Write a decision on top of the revision that it was made from, and make its conversations due.
-- KEYS: 1 ledger hash, 2 due set, 3 leased set, 4.. conversation hashes
-- ARGV: 1 expected revision, 2 due time (ms), 3 number of fields, then field value ..., number of dropped fields, then field ...,
--       then the member of each conversation, in the order of KEYS
-- Gives the new revision, or -1 when the ledger has moved on (nothing is written then).
-- Invariant: the ledger's revision counts its commits; a conversation in work is marked `again` instead of made due twice.
local function wake(due, leased, conversation, member, due_ms)
  if redis.call('ZSCORE', leased, member) then
    redis.call('HSET', conversation, 'again', due_ms)
  else
    redis.call('ZADD', due, 'LT', due_ms, member)
  end
end

local function commit(keys, args)
  local revision = tonumber(redis.call('HGET', keys[1], 'revision') or '0')
  if revision ~= tonumber(args[1]) then
    return -1
  end
  local at = 3
  for _ = 1, tonumber(args[at]) do
    redis.call('HSET', keys[1], args[at + 1], args[at + 2])
    at = at + 2
  end
  at = at + 1
  for _ = 1, tonumber(args[at]) do
    at = at + 1
    redis.call('HDEL', keys[1], args[at])
  end
  for n = 4, #keys do
    wake(keys[2], keys[3], keys[n], args[at + n - 3], args[2])
  end
  return redis.call('HINCRBY', keys[1], 'revision', 1)
end

-- KEYS: 1 due set, 2 leased set, 3 conversation; ARGV: 1 member, 2 due time (ms)
local function wake_one(keys, args)
  wake(keys[1], keys[2], keys[3], args[1], args[2])
  return 1
end

redis.register_function('fogbell_commit', commit)
redis.register_function('fogbell_wake', wake_one)
