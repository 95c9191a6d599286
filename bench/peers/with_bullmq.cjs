// BullMQ: `push URL COUNT LINE PROCESSES`, `late URL COUNT START APART` or `work URL CONCURRENCY INDEX MODE`, like the scripts in Python.
const { Queue, Worker } = require('bullmq');
const Redis = require('ioredis');

const CHUNK = 500;
const [action, url, number, line, extra] = process.argv.slice(2);
const address = url.startsWith('unix://') ? decodeURIComponent(url.slice('unix://'.length)) : url;
const connection = new Redis(address, { maxRetriesPerRequest: null });

async function push(count) {
  const queue = new Queue('peers', { connection });
  for (let start = 0; start < count; start += CHUNK) {
    const size = Math.min(CHUNK, count - start);
    await queue.addBulk(Array.from({ length: size }, () => ({ name: 'noop', data: { line } })));
  }
  await queue.close();
  connection.disconnect();
}

async function late(count) {
  const queue = new Queue('peers', { connection });
  for (let index = 0; index < count; index += 1) {
    const due = Number(line) + index * Number(extra);
    await queue.add('noop', { line: String(due) }, { delay: 1000 * due - Date.now() });
  }
  await queue.close();
  connection.disconnect();
}

function noop(job) {
  if (/^\d/.test(job.data.line)) console.log(`late ${Date.now() / 1000 - Number(job.data.line)}`);
}

async function work(concurrency) {
  let calls = 0;
  const worker = new Worker('peers', async (job) => { calls += 1; noop(job); }, { connection, concurrency });
  process.on('SIGTERM', async () => {
    await worker.close();
    console.log(`ran ${calls}`);
    process.exit(0);
  });
  await worker.waitUntilReady();
  console.log('ready');
}

({ push, late, work })[action](Number(number));
