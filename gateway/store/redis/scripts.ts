import { type CommandParser, defineScript } from "@redis/client";
import { APPEND, CHANGE, IS_OUTDATED, RECORD } from "./change-scripts.ts";
import { BEGIN_ERASURE, ERASE_AGENTS, FINISH_ERASURE, MARK_ERASED, TRIM_CHANGES } from "./erasure-scripts.ts";
import {
  ADD_POLLED,
  ANNOUNCE,
  BLOCK_SLOTS,
  GIVE_SLOT_BACK,
  POLLED,
  RECORD_LIST_FAILURE,
  RECORD_PAGE,
  TAKE_SLOT,
  WITHDRAW,
} from "./poll-scripts.ts";
import {
  ERASE_REMOVED,
  FIND_UNSERVED,
  FORGET_CUSTOMER,
  IS_KNOWN,
  RECORD_SERVED,
  TRIM_OUTDATED,
} from "./retention-scripts.ts";

/**
 * Lua scripts, run atomically by Redis. Every reply starts with the time of Redis in microseconds.
 *
 * A script decides first and writes last, and a read-only or full Redis rejects the first write. So a script makes
 * either all of its changes or no change. `KEYS` has every key that a script uses, as a Redis Cluster demands.
 */
const PREAMBLE = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local micros = clock[1] .. string.format('%06d', clock[2])
-- Lua would write a version as 1.7e+12.
local function text(number) return string.format('%.0f', number) end
`;

/**
 * Attaches a gateway. ARGV: the gateway's epoch, position and entry at the position (empty at first), a name for a new
 * epoch, the lowest version of a new change, and the number of changes to keep.
 *
 * Replies: `continued` if the stream has every change since; `missed` if changes are trimmed; `changed` if another
 * gateway has started a new epoch; `renewed` if the call has started a new epoch, because no epoch existed or because
 * changes seen by the gateway are lost.
 */
const ATTACH = `${PREAMBLE}
local limit = ARGV[6]
${APPEND}
local function state()
  local epoch = redis.call('HGET', KEYS[1], 'epoch')
  if not epoch then return 'renewed' end
  if ARGV[1] == '' then return 'missed' end
  if epoch ~= ARGV[1] then return 'changed' end
  local id = ARGV[2] .. '-0'
  local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
  if entry then return table.concat(entry[2], ' ') == ARGV[3] and 'continued' or 'renewed' end
  local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  local isTrimmed = first and tonumber(string.match(first[1], '^%d+')) > tonumber(ARGV[2])
  return isTrimmed and 'missed' or 'renewed'
end
local found = state()
local floor = redis.call('HGET', KEYS[1], 'floor') or '0'
if found == 'renewed' then
  -- Positions must grow even if only the store, the stream or the gateway's memory is left.
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  local position = math.max(
    tonumber(redis.call('HGET', KEYS[1], 'position') or 0),
    last and tonumber(string.match(last[1], '^%d+')) or 0,
    tonumber(ARGV[2]) or 0)
  redis.call('HSET', KEYS[1], 'epoch', ARGV[4], 'position', text(position))
  append('epoch', ARGV[4])
end
if found ~= 'continued' and tonumber(ARGV[5]) > tonumber(floor) then redis.call('HSET', KEYS[1], 'floor', ARGV[5]) end
return { micros, found, redis.call('HGET', KEYS[1], 'epoch'), redis.call('HGET', KEYS[1], 'position') }
`;

/** Tries a write. Returns the epoch and the error with which Redis rejects the write; empty if Redis accepts it. */
const CHECK = `${PREAMBLE}
local writeError = ''
local result = redis.pcall('HSET', KEYS[1], 'probe', text(now))
if type(result) == 'table' and result.err then writeError = result.err end
return { micros, redis.call('HGET', KEYS[1], 'epoch') or '', writeError }
`;

/** Returns the time, at which a read of the upstream may begin, and the position of the last change. */
const NOW = `${PREAMBLE}
return { micros, micros, redis.call('HGET', KEYS[1], 'position') or '0' }
`;

/**
 * Records a read that found agents unchanged. KEYS: from the second on, the agents' hashes. ARGV: the time at which the
 * read began, and for each agent the user id and the version that the gateway has. Returns the user ids of agents with
 * another version, which the gateway must compare again, and the position at which they have it.
 */
const CONFIRM = `${PREAMBLE}${IS_OUTDATED}
local changed = {}
for index = 2, #KEYS do
  local user, version = ARGV[2 * index - 2], ARGV[2 * index - 1]
  local stored = redis.pcall('HMGET', KEYS[index], 'version', 'readAt')
  if stored.err or stored[1] ~= version then changed[#changed + 1] = user
  elseif not isOutdated(ARGV[1], stored[2]) then redis.call('HSET', KEYS[index], 'readAt', ARGV[1]) end
end
return { micros, redis.call('HGET', KEYS[1], 'position') or '0', changed }
`;

/** Returns when the last read of the agent with the hash KEYS[1] began; empty if no read is recorded, or if its time is lost. */
const LAST_READ = `${PREAMBLE}
local stored = redis.pcall('HMGET', KEYS[1], 'readAt', 'restoredAt')
if stored.err or not stored[1] or stored[1] == stored[2] then return { micros, '' } end
-- A time ahead of the clock was recorded before the clock was set back, and says nothing.
return { micros, tonumber(stored[1]) <= tonumber(micros) and stored[1] or '' }
`;

/** Returns the fields and values of the hash KEYS[1]. */
const LIST_STATE = `${PREAMBLE}
return { micros, micros, redis.call('HGETALL', KEYS[1]) }
`;

/**
 * Returns the user ids of the customer ARGV[1], from the set KEYS[2], with epoch, position and the position of the
 * customer's last change. Without a change in the epoch, that is the epoch's start.
 */
const MEMBERS = `${PREAMBLE}
local store = redis.call('HMGET', KEYS[1], 'epoch', 'position', 'start', 'last:' .. ARGV[1])
local last = store[2] or '0'
if store[3] or store[4] then last = text(math.max(tonumber(store[3] or 0), tonumber(store[4] or 0))) end
return { micros, store[1] or '', store[2] or '0', redis.call('SMEMBERS', KEYS[2]), last }
`;

/**
 * Returns the agents with the user ids ARGV. KEYS: from the second on, their hashes in the same order. For a key that is no
 * hash, the row contains only the id.
 */
const AGENTS = `${PREAMBLE}
local rows = {}
for index, user in ipairs(ARGV) do
  local stored = redis.pcall('HMGET', KEYS[index + 1], 'version', 'updatedAt', 'status', 'wrapUpSeconds', 'wrapUpEndsAt')
  if stored.err then rows[#rows + 1] = { user }
  elseif stored[1] then rows[#rows + 1] = { user, stored[1], stored[2], stored[3], stored[4], stored[5] } end
end
local store = redis.call('HMGET', KEYS[1], 'epoch', 'position')
return { micros, store[1] or '', store[2] or '0', rows }
`;

/**
 * Restores a gateway's agents if missing in Redis or present with a lower version. KEYS[3]: the customer's set of user
 * ids. KEYS[4]: the version up to which the customer's agents were erased, which are not restored. From KEYS[5] on, the
 * agents' hashes. ARGV: number of changes to keep, customer, and six values for each agent.
 *
 * The time at which the last read of an agent began is lost. The present time takes its place: the agent may come from a
 * later read than the reads that are still on their way. `restoredAt` says that no read began then.
 */
const RESTORE = `${PREAMBLE}
local limit, customer = ARGV[1], ARGV[2]
${APPEND}
local erased = tonumber(redis.call('GET', KEYS[4]) or 0)
local restored = 0
for index = 5, #KEYS do
  local key, first = KEYS[index], 6 * index - 27
  local user, version, updatedAt, status, seconds, endsAt = unpack(ARGV, first, first + 5)
  local stored = redis.pcall('HGET', key, 'version')
  if type(stored) == 'table' then
    -- Leave an unreadable key as it is, but list the user id.
    redis.call('SADD', KEYS[3], user)
  elseif (tonumber(stored) or 0) < tonumber(version) and (stored or tonumber(version) > erased) then
    append('customer', customer, 'userId', user, 'version', version, 'updatedAt', updatedAt,
      'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt)
    redis.call('HSET', key, 'version', version, 'updatedAt', updatedAt,
      'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt, 'readAt', micros, 'restoredAt', micros)
    redis.call('SADD', KEYS[3], user)
    restored = restored + 1
  end
end
return { micros, restored }
`;

/** Acquires or extends the lease KEYS[1] for the owner ARGV[1], for ARGV[2] milliseconds. Returns 1 on success. */
const LEASE = `${PREAMBLE}
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return { micros, 1 }
end
return { micros, redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0 }
`;

/** Releases the leases KEYS, as far as the owner ARGV[1] holds them. */
const RELEASE = `${PREAMBLE}
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
return { micros }
`;

/**
 * Returns the bytes of `maxmemory`, the `maxmemory-policy`, and 1 if there is an append-only file, otherwise 0; empty texts
 * if the user may not read them.
 */
const SERVER_SETTINGS = `${PREAMBLE}
local memory = redis.pcall('INFO', 'memory')
local persistence = redis.pcall('INFO', 'persistence')
if type(memory) ~= 'string' or type(persistence) ~= 'string' then return { micros, '', '', '' } end
return { micros, string.match(memory, 'maxmemory:(%d+)') or '', string.match(memory, 'maxmemory_policy:([%w-]+)') or '',
  string.match(persistence, 'aof_enabled:(%d)') or '' }
`;

/** Scripts by name, for clients to call with keys and arguments. */
export const SCRIPTS = {
  attach: toScript(ATTACH),
  check: toScript(CHECK),
  serverSettings: toScript(SERVER_SETTINGS),
  change: toScript(PREAMBLE + CHANGE),
  record: toScript(PREAMBLE + RECORD),
  now: toScript(NOW),
  lastRead: toScript(LAST_READ),
  confirm: toScript(CONFIRM),
  recordPage: toScript(`${PREAMBLE}${IS_OUTDATED}${RECORD_PAGE}`),
  recordListFailure: toScript(`${PREAMBLE}${RECORD_LIST_FAILURE}`),
  listState: toScript(LIST_STATE),
  members: toScript(MEMBERS),
  agents: toScript(AGENTS),
  restore: toScript(RESTORE),
  lease: toScript(LEASE),
  release: toScript(RELEASE),
  takeSlot: toScript(`${PREAMBLE}${TAKE_SLOT}`),
  giveSlotBack: toScript(`${PREAMBLE}${GIVE_SLOT_BACK}`),
  blockSlots: toScript(`${PREAMBLE}${BLOCK_SLOTS}`),
  announce: toScript(`${PREAMBLE}${ANNOUNCE}`),
  withdraw: toScript(`${PREAMBLE}${WITHDRAW}`),
  addPolled: toScript(`${PREAMBLE}${ADD_POLLED}`),
  polledCustomers: toScript(`${PREAMBLE}${POLLED}`),
  beginErasure: toScript(PREAMBLE + BEGIN_ERASURE),
  eraseAgents: toScript(PREAMBLE + ERASE_AGENTS),
  finishErasure: toScript(PREAMBLE + FINISH_ERASURE),
  recordServed: toScript(PREAMBLE + RECORD_SERVED),
  eraseRemoved: toScript(PREAMBLE + ERASE_REMOVED),
  findUnserved: toScript(PREAMBLE + FIND_UNSERVED),
  forgetCustomer: toScript(PREAMBLE + FORGET_CUSTOMER),
  isKnown: toScript(PREAMBLE + IS_KNOWN),
  trimOutdated: toScript(PREAMBLE + TRIM_OUTDATED),
  markErased: toScript(PREAMBLE + MARK_ERASED),
  trimChanges: toScript(PREAMBLE + TRIM_CHANGES),
};

function toScript(source: string) {
  return defineScript({
    SCRIPT: source,
    parseCommand(parser: CommandParser, keys: readonly string[], values: readonly string[]) {
      parser.pushKeysLength([...keys]);
      parser.push(...values);
    },
    transformReply: (reply: unknown) => reply,
  });
}
