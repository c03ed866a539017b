/** Lua scripts for the polls of upstreams, each after the common preamble of all scripts. */

/**
 * Takes a slot. KEYS[1]: the string that exists while all slots are denied. KEYS[2]: the sorted set of the share's taken
 * slots, by when they are free again, in milliseconds. ARGV: id of the request, number of slots, and time for which the
 * slot is taken. Replies with the time, 1 if the slot is taken, the time until the next slot is free, the time for which all slots
 * are denied, and the number of free slots.
 */
export const TAKE_SLOT = `
local id, slots, duration = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local blocked = math.max(0, redis.call('PTTL', KEYS[1]))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now))
-- A slot that is taken for longer was taken before the clock was set back.
local latest = text(now + duration)
for _, later in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. latest, '+inf')) do
  redis.call('ZADD', KEYS[2], latest, later)
end
local taken = redis.call('ZCARD', KEYS[2])
local isOwn = redis.call('ZSCORE', KEYS[2], id)
local isTaken = blocked == 0 and (isOwn or taken < slots)
if isTaken then
  redis.call('ZADD', KEYS[2], latest, id)
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  if not isOwn then taken = taken + 1 end
end
local wait = 0
if taken >= slots then
  local place = taken - slots
  wait = tonumber(redis.call('ZRANGE', KEYS[2], place, place, 'WITHSCORES')[2]) - now
end
return { micros, micros, isTaken and 1 or 0, math.max(wait, blocked), blocked, math.max(0, slots - taken) }
`;

/** Gives the slot with the id ARGV[1] of the share KEYS[1] back. */
export const GIVE_SLOT_BACK = `
redis.call('ZREM', KEYS[1], ARGV[1])
return { micros }
`;

/**
 * Requires KEYS[1], a hash with when the last read of each page of the list began, the number of pages, the number of
 * failures since the last success, the number of moves to another gateway, and the end of the last block with its length;
 * KEYS[2], the sorted set of customers by when their lists are late, in milliseconds; and KEYS[3], the hash of the
 * summaries of all lists.
 */
const SUMMARIZE = `
local function writeSummary(customer)
  local fields, stored = {}, redis.call('HGETALL', KEYS[1])
  for index = 1, #stored, 2 do fields[stored[index]] = stored[index + 1] end
  local pages, oldest = tonumber(fields['pages'] or 0), nil
  for page = 1, pages do
    local began = tonumber(fields[text(page)])
    -- A time ahead of the clock was recorded before the clock was set back, and says nothing.
    if not began or began > tonumber(micros) then
      oldest = nil
      break
    end
    if not oldest or began < oldest then oldest = began end
  end
  local failures, moves = fields['failing'] or '0', fields['moves'] or '0'
  local reason = fields['reason'] or ''
  -- A block that ended before each page was read says nothing.
  local ending = tonumber(string.match(fields['block'] or '', '^%d+'))
  if ending and ending > (oldest or 0) then reason = '@' .. fields['block'] .. ' ' .. reason end
  local summary = { oldest and text(oldest) or '', pages > 0 and text(pages) or '', failures, moves, reason }
  redis.call('HSET', KEYS[3], customer, table.concat(summary, ' '))
  return failures, moves, oldest, pages
end
local function summarize(customer, interval, grace)
  local failures, moves, oldest, pages = writeSummary(customer)
  local late = now
  if oldest and failures == '0' then late = math.floor(oldest / 1000) + pages * interval + grace end
  redis.call('ZADD', KEYS[2], text(late), customer)
  return failures, moves
end
`;

/**
 * Denies all slots of the customer ARGV[1] for ARGV[2] milliseconds, unless KEYS[4] denies them for longer. The other KEYS
 * are as for `summarize`: the block is in the summary of the list.
 */
export const BLOCK_SLOTS = `${SUMMARIZE}
if redis.call('PTTL', KEYS[4]) < tonumber(ARGV[2]) then
  redis.call('SET', KEYS[4], '1', 'PX', ARGV[2])
  redis.call('HSET', KEYS[1], 'block', text(micros + ARGV[2] * 1000) .. ',' .. ARGV[2])
  writeSummary(ARGV[1])
end
return { micros }
`;

/**
 * Records a read of a page of the upstream's list. KEYS: as for `summarize`. ARGV: customer, the page, the time at which
 * the read began, `last` if the list ends with the page, the interval of the pages, and the time by which a list may be
 * late.
 */
export const RECORD_PAGE = `${SUMMARIZE}
local customer, page, began = ARGV[1], ARGV[2], ARGV[3]
if isOutdated(began, redis.call('HGET', KEYS[1], page)) then return { micros } end
redis.call('HSET', KEYS[1], page, began, 'failing', '0', 'reason', '')
if ARGV[4] == 'last' then redis.call('HSET', KEYS[1], 'pages', page) end
summarize(customer, tonumber(ARGV[5]), tonumber(ARGV[6]))
return { micros }
`;

/**
 * Records that the list cannot be read. KEYS: as for `summarize`. ARGV: customer, the number of failures after which the
 * poll moves to the next gateway, and the reason. Returns the number of failures since the last success, and the number of moves.
 */
export const RECORD_LIST_FAILURE = `${SUMMARIZE}
local failures = redis.call('HINCRBY', KEYS[1], 'failing', 1)
redis.call('HSET', KEYS[1], 'reason', ARGV[3])
if failures % tonumber(ARGV[2]) == 0 then redis.call('HINCRBY', KEYS[1], 'moves', 1) end
return { micros, summarize(ARGV[1], 0, 0) }
`;

/**
 * Counts a gateway among the live gateways. KEYS[1]: the sorted set of the live gateways by when they count as dead.
 * KEYS[2] and KEYS[3]: as for `summarize`. KEYS[4]: the set of the gateway's customers. ARGV: gateway, time for which it
 * counts as live, time for which the set is kept, and each customer whose list is asked for with the number of failures
 * whose reason the gateway knows. Returns the live gateways, 1 if the set exists, an id that changes when the summaries are
 * lost, and customer, summary, and 1 if late, of each list that is late or asked for. A known reason is left out.
 */
export const ANNOUNCE = `
local latest = text(now + ARGV[2])
redis.call('ZADD', KEYS[1], latest, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
-- A gateway that counts as live for longer was announced before the clock was set back.
for _, later in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. latest, '+inf')) do
  redis.call('ZADD', KEYS[1], latest, later)
end
local isPolledKnown = redis.call('PEXPIRE', KEYS[4], ARGV[3])
-- No customer has an empty name.
redis.call('HSETNX', KEYS[3], '', ARGV[1] .. ' ' .. micros)
local customers = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', text(now))
local known, isLate, lists = {}, {}, {}
for _, customer in ipairs(customers) do isLate[customer] = true end
for index = 4, #ARGV, 2 do
  known[ARGV[index]] = ARGV[index + 1]
  if not isLate[ARGV[index]] then customers[#customers + 1] = ARGV[index] end
end
for from = 1, #customers, 500 do
  local some = { unpack(customers, from, math.min(from + 499, #customers)) }
  for index, summary in ipairs(redis.call('HMGET', KEYS[3], unpack(some))) do
    if summary then
      local head, failures = string.match(summary, '^(%d* %d* (%d+) %d+ )')
      if head and failures == known[some[index]] then summary = string.match(summary, '^' .. head .. '@%d+,%d+ ') or head end
      lists[#lists + 1] = some[index]
      lists[#lists + 1] = summary
      lists[#lists + 1] = isLate[some[index]] and '1' or ''
    end
  end
end
return { micros, micros, redis.call('ZRANGE', KEYS[1], 0, -1), isPolledKnown, redis.call('HGET', KEYS[3], ''), lists }
`;

/** Stops counting the gateway ARGV[1] among the live gateways KEYS[1]. */
export const WITHDRAW = `
redis.call('ZREM', KEYS[1], ARGV[1])
return { micros }
`;

/** Adds customers from ARGV[2] on to the set KEYS[1], which is kept for ARGV[1] milliseconds. */
export const ADD_POLLED = `
redis.call('SADD', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return { micros }
`;

/** Returns the customers of the set KEYS[1]. */
export const POLLED = `
return { micros, redis.call('SMEMBERS', KEYS[1]) }
`;
