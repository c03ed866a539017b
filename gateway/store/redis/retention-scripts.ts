/** Lua scripts of the retention, to run after the preamble of all scripts. */

/**
 * Records that a gateway serves a customer. KEYS[1]: the hash of served customers. ARGV: the customer, and the
 * milliseconds between two erasures of the customer's outdated ids. Returns 1 if the caller is to erase them now: one of
 * all gateways is.
 */
export const RECORD_SERVED = `
local last = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
-- A time ahead of the clock was recorded before the clock was set back.
if last <= now and now - last < tonumber(ARGV[2]) then return { micros, 0 } end
redis.call('HSET', KEYS[1], ARGV[1], text(now))
return { micros, 1 }
`;

/**
 * Erases the hashes of removed agents. KEYS: the store's hash, the customer's set of user ids, and the hashes of the
 * agents. ARGV: the epoch, the highest version of a removal that is erased, and the user ids of the agents. Returns the
 * number of erased agents.
 */
export const ERASE_REMOVED = `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return { micros, 'epoch' } end
local erased = 0
for index = 3, #KEYS do
  local stored = redis.pcall('HMGET', KEYS[index], 'version', 'status')
  local isRemoved = not stored.err and stored[1] and stored[2] == ''
  if isRemoved and (tonumber(stored[1]) or 0) <= tonumber(ARGV[2]) then
    redis.call('DEL', KEYS[index])
    redis.call('SREM', KEYS[2], ARGV[index])
    erased = erased + 1
  end
end
return { micros, 'done', text(erased) }
`;

/**
 * Returns the customers that no gateway has served for ARGV[1] milliseconds. KEYS: the store's hash, and the hash of
 * served customers. For a customer without a time, the time begins now.
 */
export const FIND_UNSERVED = `
local unserved = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local customer = string.match(field, '^last:(.*)$')
  if customer and redis.call('HSETNX', KEYS[2], customer, text(now)) == 0 then
    local served = tonumber(redis.call('HGET', KEYS[2], customer) or 0)
    if now - served > tonumber(ARGV[1]) then unserved[#unserved + 1] = customer end
  end
end
return { micros, unserved }
`;

/**
 * Forgets a customer without data. KEYS: the store's hash, the hash of served customers, the customer's set of user ids,
 * the state of the upstream's list, and the mark of the last erasure. ARGV[1]: the customer. Returns `data` if the
 * customer has data, which is to be erased first; `mark` while the mark stands; `forgotten` otherwise.
 */
export const FORGET_CUSTOMER = `
if redis.call('EXISTS', KEYS[3], KEYS[4]) > 0 then return { micros, 'data' } end
if redis.call('EXISTS', KEYS[5]) > 0 then return { micros, 'mark' } end
redis.call('HDEL', KEYS[1], 'last:' .. ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return { micros, 'forgotten' }
`;

/** Returns 1 if there is anything of a customer, otherwise 0. KEYS and ARGV as of FORGET_CUSTOMER. */
export const IS_KNOWN = `
local isKnown = redis.call('EXISTS', KEYS[3], KEYS[4], KEYS[5]) > 0
  or redis.call('HEXISTS', KEYS[1], 'last:' .. ARGV[1]) == 1
  or redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1
return { micros, isKnown and 1 or 0 }
`;

/**
 * Removes changes before the time ARGV[1], in milliseconds, from the stream KEYS[1], at most a thousand. Keeps the last
 * change, from which gateways go on. Returns 1 if there may be more.
 */
export const TRIM_OUTDATED = `
local entries = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1001)
local first
for index, entry in ipairs(entries) do
  first = entry[1]
  if index == #entries then break end
  local fields = entry[2]
  local version
  for place = 1, #fields, 2 do
    if fields[place] == 'version' then version = tonumber(fields[place + 1]) end
  end
  if version and version >= tonumber(ARGV[1]) then break end
end
if not first or first == entries[1][1] then return { micros, 0 } end
redis.call('XTRIM', KEYS[1], 'MINID', first)
return { micros, #entries > 1000 and first == entries[#entries][1] and 1 or 0 }
`;
