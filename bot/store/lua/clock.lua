-- The server's clock, and what was written lately: loaded before all others, which use it.
-- KEYS: those of the caller; ARGV: those of the caller
-- Invariant: a number of `fresh` is never given twice, also when a replica takes over that missed the last ones.
local KEPT_MS = 120000

local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function millis()
  return math.floor(micros() / 1000)
end

-- The next number after `last`, as text: a counter alone would begin to repeat itself after a fail-over.
local function fresh(last)
  return string.format('%.0f', math.max((tonumber(last) or 0) + 1, micros()))
end

-- Note that conversations are being written to: after a fail-over, this is where the last writes may be missing.
local function touch(touched, members)
  local now = millis()
  for _, member in ipairs(members) do
    redis.call('ZADD', touched, now, member)
  end
  redis.call('ZREMRANGEBYSCORE', touched, '-inf', now - KEPT_MS)
  redis.call('PEXPIRE', touched, KEPT_MS)
end
