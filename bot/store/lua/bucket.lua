-- A token bucket by the server's clock, shared by all workers.
-- KEYS: 1 bucket hash; ARGV: 1 tokens per second, 2 burst
-- Gives 0 when a token was taken, else the milliseconds until there will be one (nothing is taken then). A bucket that was told
-- to rest gives none before that is over.
-- Invariant: at most `burst` tokens at once, and `rate` of them a second.
local function counted(key, rate, burst)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local held = redis.call('HMGET', key, 'tokens', 'at', 'rests_until')
  local tokens = (tonumber(held[1]) or burst) + (now - (tonumber(held[2]) or now)) * rate / 1000
  return math.min(burst, tokens), now, (tonumber(held[3]) or 0) - now
end

local function take(keys, args)
  local rate, burst = tonumber(args[1]), tonumber(args[2])
  local tokens, now, rest = counted(keys[1], rate, burst)
  if rest > 0 then
    return rest
  end
  local wait = 0
  if tokens >= 1 then
    tokens = tokens - 1
  else
    wait = math.ceil((1 - tokens) * 1000 / rate)
  end
  redis.call('HSET', keys[1], 'tokens', tostring(tokens), 'at', now)
  redis.call('PEXPIRE', keys[1], math.ceil(burst * 1000 / rate) + 1000)
  return wait
end

-- What there is, without taking any: KEYS and ARGV as above. Gives the whole tokens, and the milliseconds until one more.
local function left(keys, args)
  local rate, burst = tonumber(args[1]), tonumber(args[2])
  local tokens = counted(keys[1], rate, burst)
  return { math.floor(tokens), math.ceil((math.floor(tokens) + 1 - tokens) * 1000 / rate) }
end

-- The chat asks to be left alone: no token before that is over, for any worker.
-- KEYS: 1 bucket hash; ARGV: 1 rest (ms)
local function rest(keys, args)
  local time = redis.call('TIME')
  redis.call('HSET', keys[1], 'rests_until', time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(args[1]))
  local left = redis.call('PTTL', keys[1])
  if left < tonumber(args[1]) then
    redis.call('PEXPIRE', keys[1], args[1])
  end
  return 1
end

redis.register_function('fogbell_take', take)
redis.register_function('fogbell_left', left)
redis.register_function('fogbell_rest', rest)
