-- A token bucket by the server's clock, shared by all workers.
-- KEYS: 1 bucket hash; ARGV: 1 tokens per second, 2 burst
-- Gives 0 when a token was taken, else the milliseconds until there will be one (nothing is taken then).
-- Invariant: at most `burst` tokens at once, and `rate` of them a second.
local function take(keys, args)
  local rate, burst = tonumber(args[1]), tonumber(args[2])
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local held = redis.call('HMGET', keys[1], 'tokens', 'at')
  local tokens = math.min(burst, (tonumber(held[1]) or burst) + (now - (tonumber(held[2]) or now)) * rate / 1000)
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

redis.register_function('fogbell_take', take)
