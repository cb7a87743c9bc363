// Makes the pictures of the README: pictures.mjs URL CONTROL PICTURES

import path from 'node:path';

import { nodes, open, rest } from './browser.mjs';

const [url, control, pictures] = process.argv.slice(2);
const minutes = 2; // of life, for the curves
const guests = ['judy', 'niaj', 'olivia', 'peggy', 'rupert', 'sybil', 'trent'];

const tell = async (what, query) => {
	const answer = await fetch(`${control}/${what}?${new URLSearchParams(query)}`, { method: 'POST' });
	if (!answer.ok) throw new Error(`${what}: ${await answer.text()}`);
};

const desk = await open(url, { viewport: { width: 1360, height: 1010 } });
const phone = await open(url, { viewport: { width: 390, height: 800 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, colorScheme: 'dark' });
try {
	await nodes(desk.page, 12);
	const end = Date.now() + minutes * 60_000;
	const there = [];
	for (let turn = 0; Date.now() < end; turn++) {
		const guest = guests[turn % guests.length];
		if (there.length < 3) {
			there.push(guest);
			await tell('join', { name: guest });
		} else {
			await tell('leave', { name: there.shift() });
		}
		for (let i = 0; i < turn % 4; i++) await tell('lookup', { name: 'alice' });
		await rest(desk.page, 1500 + ((turn * 797) % 4000));
	}
	await rest(desk.page, 4000);
	await desk.page.screenshot({ path: path.join(pictures, 'page.png') });
	await phone.page.screenshot({ path: path.join(pictures, 'page-dark-phone.png') });
} finally {
	await desk.browser.close();
	await phone.browser.close();
}
