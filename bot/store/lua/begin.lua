-- Write the intentions before a step, of one conversation or of many; refused where the fencing token is old.
-- KEYS: 1 touched set, then the conversations; ARGV: token, member, attempt JSON of each
-- Gives a list: 1, or 0 where another worker owns the conversation now.
-- Invariant: who does not own a conversation writes nothing into it.
local function owns(conversation, token)
  return redis.call('HGET', conversation, 'token') == token
end

local function begin(keys, args)
  local owned, members = {}, {}
  for n = 1, #keys - 1 do
    local token, member, attempt = unpack(args, 3 * n - 2, 3 * n)
    owned[n] = 0
    if owns(keys[n + 1], token) then
      redis.call('HSET', keys[n + 1], 'attempt', attempt)
      members[#members + 1] = member
      owned[n] = 1
    end
  end
  touch(keys[1], members)
  return owned
end

redis.register_function('fogbell_begin', begin)
