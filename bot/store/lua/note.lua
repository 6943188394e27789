-- Add lines to the log of what was done: one short text is sooner sent than a command for each line.
-- KEYS: 1 stream; ARGV: 1 how many lines are kept, roughly, 2 JSON: a list of lines, each a list of field, value ...
-- Gives how many lines were added.
-- Invariant: all of them or none; a call that is repeated adds them twice, which is why lines say when they were made.
local function note(keys, args)
  local lines = cjson.decode(args[2])
  for _, line in ipairs(lines) do
    redis.call('XADD', keys[1], 'MAXLEN', '~', args[1], '*', unpack(line))
  end
  return #lines
end

redis.register_function('fogbell_note', note)
