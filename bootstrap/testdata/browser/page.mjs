// Looks at the page of ten peers as a person does, while peers and servers come and
// go: page.mjs URL CONTROL SERVERS [PICTURES]

import assert from 'node:assert/strict';
import path from 'node:path';

import { nodes, open, rest } from './browser.mjs';

const [url, control, federation, pictures] = process.argv.slice(2);
const count = Number(federation); // servers
const here = 10; // peers at the beginning
const attempts = 3; // the quickest of them counts: the machine may be busy
const network = /net::ERR_|Failed to load resource/; // what a browser says of a server that is away

const tell = async (what, query) => {
	const answer = await fetch(`${control}/${what}?${new URLSearchParams(query)}`, { method: 'POST' });
	if (!answer.ok) throw new Error(`${what}: ${await answer.text()}`);
	return answer.json();
};
const picture = async (page, name, options) => pictures && page.screenshot({ path: path.join(pictures, name), ...options });
const text = (page, selector) => page.locator(selector).first().innerText();
const chosen = (page, name) => page.waitForFunction((name) => document.querySelector('#details:not([hidden]) h3')?.textContent === name, name);
const noneChosen = (page) => page.waitForSelector('#details', { state: 'hidden' });
const step = (name) => console.log(name);

async function looks(page) {
	step('graph, table, feed, servers');
	await nodes(page, here);
	assert.ok(Number(await page.locator('#graph').getAttribute('data-links')) >= here - 1, 'links in the graph');
	assert.match(await text(page, '#overlay-text'), /^10 peers, \d+ links/);
	await page.waitForFunction((n) => document.querySelectorAll('#rows tr').length === n, here);
	await page.waitForFunction((n) => document.querySelectorAll('#servers li.up').length === n, count);
	await page.waitForFunction(() => document.querySelectorAll('#servers .leads').length === 1);
	await page.waitForSelector('#feed li[data-kind="joined"]');
	const row = page.locator('#rows tr', { hasText: 'alice' });
	assert.match(await row.innerText(), /12D3….{6}[^]*online[^]*grapevine\/0\.1[^]*\/ip4\/127\.0\.0\.1\/tcp\//);
	assert.match(await row.locator('td.rtt').innerText(), /ms$/);
	assert.match(await row.locator('td.links').innerText(), /^\d+$/);

	step('a name is text, whatever it looks like');
	assert.equal(await page.locator('#rows td.name', { hasText: '<b>mallory</b>' }).count(), 1);
	assert.equal(await page.locator('b').count(), 0);
}

async function names(page) {
	step('who gives a name up and stays has not left');
	const told = await page.evaluate(async () => {
		const { Model } = await import('/page/model.js');
		const model = new Model();
		const lease = (name) => ({ id: 'one', name, key: name, online: true, addrs: [] });
		const happens = [['joined', ''], ['joined', 'a'], ['joined', 'b'], ['left', 'a'], ['expired', 'b'], ['left', '']];
		return happens.map(([kind, name]) => model.apply({ kind, peer: lease(name) }));
	});
	assert.deepEqual(told, ['joined', 'claimed', 'claimed', 'released', 'released', 'left']);
}

async function hands(page) {
	step('copy');
	const row = page.locator('#rows tr', { hasText: 'alice' });
	await row.locator('button.copy').click();
	await page.waitForFunction(() => document.getElementById('said').textContent === 'peer ID copied');
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await row.getAttribute('data-id'));
	assert.ok(await page.locator('#details').isHidden(), 'copying chooses nobody');

	step('search and sort');
	await page.fill('#search', 'ALI');
	await page.waitForFunction(() => document.querySelectorAll('#rows tr').length === 1);
	await page.fill('#search', 'nobody at all');
	await page.waitForSelector('#rows-empty:not([hidden])');
	await page.fill('#search', '');
	const name = page.locator('#columns th').first();
	assert.equal(await name.getAttribute('aria-sort'), 'ascending');
	await name.locator('button').click();
	await page.waitForFunction(() => document.querySelector('#rows td.name')?.textContent === 'ivan');
	assert.equal(await name.getAttribute('aria-sort'), 'descending');
	await name.locator('button').click();

	step('the pointer: a peer in the graph');
	const id = await row.getAttribute('data-id');
	let before;
	for (let now; ; before = now) { // once it lies still
		now = JSON.stringify(await page.evaluate((id) => globalThis.grapevine.place(id), id));
		if (now === before) break;
		await rest(page, 200);
	}
	const [x, y] = JSON.parse(before);
	await page.locator('#graph').click({ position: { x, y } });
	await chosen(page, 'alice');
	assert.match(await text(page, '#details'), /\/p2p\/12D3/);
	const link = page.locator('#details .links button').first();
	const other = await link.innerText();
	await link.click();
	await chosen(page, other);
	await page.locator('#details .close').click();
	await noneChosen(page);
}

async function keys(page) {
	step('the keyboard alone');
	await page.keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement.textContent), 'To the overlay');
	await page.keyboard.press('Enter');
	for (let i = 0; i < 4; i++) await page.keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement.id), 'graph');
	await page.keyboard.press('ArrowRight');
	assert.match(await page.locator('#overlay-spoken').textContent(), /^<b>mallory<\/b>, online, \d+ links?$/);
	await page.keyboard.press('ArrowRight');
	await page.keyboard.press('Enter');
	await chosen(page, 'alice');
	await page.keyboard.press('Escape');
	await noneChosen(page);
	await page.locator('#rows tr[tabindex="0"]').focus();
	for (const key of ['End', 'Home', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
	assert.equal(await page.evaluate(() => document.activeElement.querySelector('.name').textContent), 'bob');
	await page.keyboard.press('Enter');
	await chosen(page, 'bob');
	await page.locator('#details .close').click();
}

async function life(page) {
	step('joins and leaves');
	const joins = [];
	const leaves = [];
	for (let i = 0; i < attempts; i++) {
		const name = `guest ${i}`;
		await tell('join', { name });
		joins.push(await nodes(page, here + 1));
		await page.waitForFunction((name) => document.querySelector('#feed li')?.textContent.includes(name), name);
		const left = performance.now();
		await tell('leave', { name });
		await nodes(page, here);
		leaves.push(performance.now() - left);
		await page.waitForSelector(`#feed li[data-kind="away"]:has-text("${name}")`);
	}
	console.log(`seen after: joins ${joins.map(Math.round)} ms, leaves ${leaves.map(Math.round)} ms`);
	assert.ok(Math.min(...joins) < 1000, 'a join is seen within a second');
	assert.ok(Math.min(...leaves) < 2000, 'a leave is seen within two seconds');
	await page.waitForFunction((n) => document.querySelector('[data-counter="online"]').textContent === String(n), here);

	step('places stay');
	const id = await page.locator('#rows tr', { hasText: 'alice' }).getAttribute('data-id');
	const place = () => page.evaluate((id) => globalThis.grapevine.place(id), id);
	const before = await place();
	await tell('join', { name: 'passer-by' });
	await nodes(page, here + 1);
	await tell('leave', { name: 'passer-by' });
	await nodes(page, here);
	const after = await place();
	assert.ok(Math.hypot(after[0] - before[0], after[1] - before[1]) < 150, `moved from ${before} to ${after}`);
}

async function servers(page) {
	step('another server is lost, and comes back');
	const up = (n) => page.waitForFunction((n) => document.querySelectorAll('#servers li.up').length === n, n, { timeout: 60_000 });
	await up(count);
	await tell('stop', { server: 1 });
	await up(count - 1);
	assert.match(await text(page, '#servers-text'), new RegExp(`^${count - 1} of ${count} up`));
	await nodes(page, here);
	await tell('start', { server: 1 });
	await up(count);
}

async function restart(page) {
	step('the server is started again');
	await tell('stop', { server: 0 });
	await page.waitForSelector('[data-connection="reconnecting"]', { timeout: 60_000 });
	assert.match(await text(page, '#connection'), /reconnecting/);
	await tell('start', { server: 0 });
	await page.waitForSelector('[data-connection="live"]', { timeout: 60_000 });
	await page.waitForFunction((n) => document.querySelectorAll('#servers li').length === n, count);
	await page.waitForFunction((n) => document.querySelectorAll('#rows .state.online').length === n, here, { timeout: 60_000 });
	await nodes(page, here);
}

async function phone() {
	for (const colorScheme of ['light', 'dark']) {
		step(`a phone, ${colorScheme}`);
		const { browser, page, complaints } = await open(url, {
			viewport: { width: 360, height: 780 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, colorScheme, reducedMotion: 'reduce',
		});
		try {
			await nodes(page, here);
			await page.waitForFunction((n) => document.querySelectorAll('#rows tr').length === n, here);
			await page.locator('#rows tr', { hasText: 'alice' }).tap();
			await page.waitForSelector('#details:not([hidden])');
			const wide = await page.evaluate(() => document.documentElement.scrollWidth);
			assert.ok(wide <= 360, `the page is ${wide} px wide`);
			const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
			const light = ground.match(/\d+/g).map(Number).reduce((a, b) => a + b) / 3;
			assert.equal(light > 128, colorScheme === 'light', `ground ${ground}`);
			await page.locator('#details .close').tap();
			await rest(page, 1000);
			await page.evaluate(() => scrollTo(0, 0));
			await picture(page, `phone-${colorScheme}.png`);
			await picture(page, `phone-${colorScheme}-full.png`, { fullPage: true });
			assert.deepEqual(complaints, []);
		} finally {
			await browser.close();
		}
	}
}

async function afar() {
	step('through a proxy: no addresses, no links');
	const { browser, page, complaints } = await open(url, { extraHTTPHeaders: { 'X-Forwarded-For': '192.0.2.1' } });
	try {
		await nodes(page, here);
		assert.match(await text(page, '#closed'), /hidden/);
		assert.equal(await page.locator('#graph').getAttribute('data-links'), '0');
		await page.waitForFunction((n) => document.querySelectorAll('#rows tr').length === n, here);
		assert.doesNotMatch(await page.content(), /127\.0\.0\.1|\/ip4\//);
		assert.deepEqual(complaints, []);
	} finally {
		await browser.close();
	}
}

async function desk() {
	const { browser, page, complaints } = await open(url);
	try {
		await looks(page);
		await keys(page);
		await hands(page);
		await names(page);
		await life(page);
		await rest(page, 2500);
		await page.evaluate(() => scrollTo(0, 0));
		await picture(page, 'desk-light.png', { fullPage: true });
		await page.emulateMedia({ colorScheme: 'dark' });
		await rest(page, 500);
		await picture(page, 'desk-dark.png', { fullPage: true });
		assert.deepEqual(complaints, []);
		await servers(page);
		await restart(page);
		assert.deepEqual(complaints.filter((line) => !network.test(line)), []);
	} finally {
		await browser.close();
	}
}

await desk();
await afar();
await phone();
