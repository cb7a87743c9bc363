// A page in Debian's Chromium, and what its console said.

import { chromium } from 'playwright-core';

export async function open(url, { viewport = { width: 1440, height: 1000 }, ...options } = {}) {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
	});
	const context = await browser.newContext({ viewport, ...options });
	await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin });
	const page = await context.newPage();
	const complaints = [];
	page.on('console', (message) => {
		if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
	});
	page.on('pageerror', (err) => complaints.push(String(err)));
	await page.goto(url);
	await page.waitForSelector('[data-connection="live"]', { timeout: 60_000 });
	return { browser, context, page, complaints };
}

// nodes waits for the graph to have so many and returns how long that took.
export async function nodes(page, n, timeout = 60_000) {
	const begin = performance.now();
	await page.waitForFunction((n) => document.getElementById('graph').dataset.nodes === String(n), n, { timeout });
	return performance.now() - begin;
}

export const rest = (page, ms) => page.evaluate((ms) => new Promise((done) => setTimeout(done, ms)), ms);
