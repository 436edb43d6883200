-- Writes an override, unless a later one of the same subject is known. Every node detects the change by the version.
--
-- KEYS[1]  hash: override → time and value, and `version`
-- ARGV[1]  override
-- ARGV[2]  time in milliseconds
-- ARGV[3]  value
-- Returns  1 written, 0 a later one is known
local known = redis.call('hget', KEYS[1], ARGV[1])
if known then
  local at, value = string.match(known, '^(%d+) (.*)$')
  local difference = at and tonumber(ARGV[2]) - tonumber(at) or 1
  if difference < 0 or (difference == 0 and ARGV[3] <= value) then return 0 end
end
redis.call('hset', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
redis.call('hincrby', KEYS[1], 'version', 1)
return 1
