-- Hold a lease by the server's clock, newly or again; let go of it.
-- KEYS: 1 lease string; ARGV: 1 owner, 2 lease (ms)
-- Both give 1 when the lease is (was) the owner's, else 0.
-- Invariant: at most one owner at a time.
local function hold(keys, args)
  if redis.call('SET', keys[1], args[1], 'NX', 'PX', args[2]) then
    return 1
  end
  if redis.call('GET', keys[1]) ~= args[1] then
    return 0
  end
  redis.call('PEXPIRE', keys[1], args[2])
  return 1
end

local function release(keys, args)
  if redis.call('GET', keys[1]) == args[1] then
    return redis.call('DEL', keys[1])
  end
  return 0
end

redis.register_function('fogbell_hold', hold)
redis.register_function('fogbell_release', release)
