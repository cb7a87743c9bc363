// Measures how long frames take while peers come and go: frames.mjs URL PEERS [PICTURE]

import { nodes, open, rest } from './browser.mjs';

const [url, peers, picture] = process.argv.slice(2);
const { browser, context, page, complaints } = await open(url);
try {
	await page.waitForFunction((n) => Number(document.getElementById('graph').dataset.nodes) >= n, 0.95 * peers, { timeout: 60_000 });
	const measure = (ms) =>
		page.evaluate(
			(ms) =>
				new Promise((done) => {
					const taken = [];
					const begin = performance.now();
					let last = begin;
					const frame = (now) => {
						taken.push(now - last);
						last = now;
						if (now - begin < ms) requestAnimationFrame(frame);
						else done(taken.slice(1).sort((a, b) => a - b));
					};
					requestAnimationFrame(frame);
				}),
			ms,
		);
	const devtools = await context.newCDPSession(page);
	await devtools.send('Performance.enable');
	const spent = async () => Object.fromEntries((await devtools.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]));
	await rest(page, 5000); // the first layout
	const before = await spent();
	const taken = await measure(8000);
	const after = await spent();
	const share = (name) => Math.round((100 * (after[name] - before[name])) / (after.Timestamp - before.Timestamp));
	await page.click('#columns th:nth-child(5) button');
	await page.fill('#search', 'peer 1');
	const at = (part) => Math.round(10 * taken[Math.min(taken.length - 1, Math.floor(part * taken.length))]) / 10;
	if (picture) {
		await page.fill('#search', '');
		await rest(page, 3000);
		await page.screenshot({ path: picture, fullPage: false });
	}
	if (complaints.length) throw new Error(`the console says: ${complaints.join('\n')}`);
	console.log(JSON.stringify({ peers: Number(peers), frames: taken.length, median_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1), busy_percent: share('TaskDuration'), script_percent: share('ScriptDuration'), layout_percent: share('LayoutDuration') }));
} finally {
	await browser.close();
}
