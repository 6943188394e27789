-- Write a decision on top of the revision that it was made from, make its conversations due, let go of forgotten ones.
-- KEYS: 1 ledger hash, 2 due set, 3 leased set, 4.. hashes of the conversations to be made due, then of forgotten ones
-- ARGV: 1 expected revision, 2 due time (ms), 3 life of forgotten conversations (ms), 4 number of fields, then field value ...,
--       number of dropped fields, then field ..., number of conversations made due, then member and '1' if urgent, else '' ...
-- Gives the new revision, or -1 when the ledger has moved on (nothing is written then).
-- Invariant: each commit has a revision of its own, which only grows; a conversation in work is marked `again`, not due twice.
local function wake(due, leased, conversation, member, due_ms)
  if redis.call('ZSCORE', leased, member) then
    redis.call('HSET', conversation, 'again', due_ms)
  else
    redis.call('ZADD', due, 'LT', due_ms, member)
  end
end

local function commit(keys, args)
  local revision = redis.call('HGET', keys[1], 'revision') or '0'
  if revision ~= args[1] then
    return -1
  end
  local at = 4
  for _ = 1, tonumber(args[at]) do
    redis.call('HSET', keys[1], args[at + 1], args[at + 2])
    at = at + 2
  end
  at = at + 1
  for _ = 1, tonumber(args[at]) do
    at = at + 1
    redis.call('HDEL', keys[1], args[at])
  end
  at = at + 1
  local waking = tonumber(args[at])
  for n = 4, 3 + waking do
    wake(keys[2], keys[3], keys[n], args[at + 1], args[2])
    if args[at + 2] == '1' then
      redis.call('HSET', keys[n], 'urgent', 1)
    else
      redis.call('HDEL', keys[n], 'urgent')
    end
    at = at + 2
  end
  for n = 4 + waking, #keys do
    redis.call('PEXPIRE', keys[n], args[3])
  end
  local following = fresh(revision)
  redis.call('HSET', keys[1], 'revision', following)
  if waking > 0 then  -- copies are made before it is told; a name that may not publish makes them once a second
    redis.pcall('PUBLISH', 'fogbell:changed', keys[1])
  end
  return tonumber(following)
end

-- KEYS: 1 due set, 2 leased set, 3 conversation; ARGV: 1 member, 2 due time (ms)
local function wake_one(keys, args)
  wake(keys[1], keys[2], keys[3], args[1], args[2])
  return 1
end

redis.register_function('fogbell_commit', commit)
redis.register_function('fogbell_wake', wake_one)
