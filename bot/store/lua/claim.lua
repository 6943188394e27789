-- Take due conversations, each with a new fencing token; those whose holder let the lease run out are due again.
-- KEYS: 1 due set, 2 leased set, 3 fence: the last token, 4 the state of silences
-- ARGV: 1 now (ms of the caller's clock, for due times), 2 limit, 3 lease (ms), 4 prefix of conversation keys, 5 owner,
--       6 prefix of ledger keys
-- Gives a list of {member, token, state or false, attempt or false, 1 when the chat must be asked first, else 0, revision of
-- its ledger or false, state of silences or false}.
-- Invariant: a member is in the due set or in the leased set, never in both. Urgent ones come first among the due.
local CROWD = 500

local function next_ones(due, now, limit, prefix)
  local found = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, CROWD)
  if #found <= limit then
    return found
  end
  local first, others = {}, {}
  for _, member in ipairs(found) do
    local into = redis.call('HEXISTS', prefix .. member, 'urgent') == 1 and first or others
    into[#into + 1] = member
  end
  for n = 1, limit - #first do
    first[#first + 1] = others[n]
  end
  return first
end

local function claim(keys, args)
  local clock, limit = millis(), tonumber(args[2])
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', keys[2], '-inf', clock, 'LIMIT', 0, 100)) do
    redis.call('ZREM', keys[2], member)
    redis.call('ZADD', keys[1], 'LT', args[1], member)
  end
  local claimed, revisions = {}, {}
  local token, silences = redis.call('GET', keys[3]), redis.call('GET', keys[4])
  for n, member in ipairs(next_ones(keys[1], args[1], limit, args[4])) do
    if n > limit then
      break
    end
    local conversation = args[4] .. member
    token = fresh(token)
    redis.call('ZREM', keys[1], member)
    redis.call('ZADD', keys[2], clock + tonumber(args[3]), member)
    redis.call('HSET', conversation, 'token', token, 'owner', args[5])
    local held = redis.call('HMGET', conversation, 'state', 'attempt', 'recheck')
    if held[3] then
      redis.call('HSET', conversation, 'recheck', token)
    end
    local provider = string.match(member, '^[^|]*')
    if revisions[provider] == nil then
      revisions[provider] = redis.call('HGET', args[6] .. provider, 'revision')
    end
    claimed[n] = {member, token, held[1], held[2], held[3] and 1 or 0, revisions[provider], silences}
  end
  if #claimed > 0 then
    redis.call('SET', keys[3], token)
  end
  return claimed
end

redis.register_function('fogbell_claim', claim)
