-- Registers a torrent, or replaces it. Every node detects the change by the version, and finds it by its slot.
--
-- KEYS[1]  hash: infohash in hex → description
-- KEYS[2]  hash: infohash in hex → file
-- KEYS[3]  hash: id, version, and the last 1,024 changes in a ring
-- ARGV[1]  a new id: of this change, and of the collection where that has none
-- ARGV[2]  infohash in hex
-- ARGV[3]  description
-- ARGV[4]  file
-- ARGV[5]  1: only where it is missing, to restore what was lost
-- Returns  the version
redis.call('hsetnx', KEYS[3], 'id', ARGV[1])
if ARGV[5] == '1' and redis.call('hexists', KEYS[1], ARGV[2]) == 1 then
  return redis.call('hget', KEYS[3], 'version')
end
redis.call('hset', KEYS[2], ARGV[2], ARGV[4])
redis.call('hset', KEYS[1], ARGV[2], ARGV[3])
local version = redis.call('hincrby', KEYS[3], 'version', 1)
redis.call('hset', KEYS[3], 'change:' .. version % 1024, version .. ' ' .. ARGV[1] .. ' ' .. ARGV[2])
return version
