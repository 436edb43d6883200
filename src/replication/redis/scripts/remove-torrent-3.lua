-- Removes a torrent. Every node detects the change by the version, and finds it by its slot.
--
-- KEYS[1]  hash: infohash in hex → description
-- KEYS[2]  hash: infohash in hex → file
-- KEYS[3]  hash: id, version, and the last 1,024 changes in a ring
-- ARGV[1]  infohash in hex
-- ARGV[2]  a new id of this change
-- Returns  1 removed, 0 not registered
redis.call('hdel', KEYS[2], ARGV[1])
local removed = redis.call('hdel', KEYS[1], ARGV[1])
local version = redis.call('hincrby', KEYS[3], 'version', 1)
redis.call('hset', KEYS[3], 'change:' .. version % 1024, version .. ' ' .. ARGV[2] .. ' ' .. ARGV[1])
return removed
