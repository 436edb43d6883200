-- Registers a torrent, or replaces it. Every node detects the change by the version.
--
-- KEYS[1]  hash: infohash in hex → description
-- KEYS[2]  hash: infohash in hex → file
-- KEYS[3]  hash: id and version
-- ARGV[1]  the id where there is none yet
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
return redis.call('hincrby', KEYS[3], 'version', 1)
