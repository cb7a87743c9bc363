// The table of peers: sorted, searched, and no longer than a reader asks for.

import { copyButton } from './copy.js';
import { element, find, write } from './dom.js';
import { age, count, milliseconds, shortID } from './format.js';
import { perFrame } from './frame.js';

const page = 100; // rows shown at once, and more of them
const rest = 250; // milliseconds between two orders: rows that jump are not read

const order = { online: 0, detached: 1, unconfirmed: 2, away: 3 };
const { compare: text } = new Intl.Collator('en', { sensitivity: 'base', numeric: true });
const last = (value) => (a, b) => (value(a) === '') - (value(b) === '') || text(value(a), value(b)); // who has none comes last

const columns = [
	{ key: 'name', title: 'Name', compare: last((p) => p.label) },
	{ key: 'peer', title: 'Peer', compare: (a, b) => text(a.id, b.id) },
	{ key: 'status', title: 'State', compare: (a, b) => order[a.state] - order[b.state] },
	{ key: 'since', title: 'Since', compare: (a, b) => b.since - a.since },
	{ key: 'rtt', title: 'Round trip', compare: (a, b) => (a.rtt || Infinity) - (b.rtt || Infinity) || 0 },
	{ key: 'links', title: 'Links', compare: (a, b) => b.degree - a.degree },
	{ key: 'agent', title: 'Agent', compare: last((p) => p.agent) },
	{ key: 'address', title: 'Address', compare: last((p) => p.addrs[0] ?? '') },
];

export class Table {
	#body = find('rows');
	#rows = new Map();
	#peers = [];
	#total = 0;
	#linked = new Map();
	#sort = columns[0];
	#down = false;
	#shown = page;
	#words = '';
	#choose;
	#chosen;
	#paint = perFrame(() => this.#write(), rest);

	constructor(choose) {
		this.#choose = choose;
		this.#head();
		find('search').addEventListener('input', (event) => {
			this.#words = event.target.value.trim().toLocaleLowerCase('en');
			this.#shown = page;
			this.#paint();
		});
		find('rows-more').addEventListener('click', () => {
			this.#shown += page;
			this.#paint();
		});
		this.#body.addEventListener('keydown', (event) => this.#key(event));
		this.#body.addEventListener('click', (event) => {
			const row = event.target.closest('tr');
			if (row && !getSelection().toString()) this.#choose(row.dataset.id);
		});
		setInterval(() => this.#paint(), 10_000); // ages
	}

	set(peers, linked) {
		this.#peers = peers;
		this.#linked = linked;
		this.#paint();
	}

	choose(id) {
		this.#chosen = id;
		this.#paint();
	}

	#head() {
		for (const column of columns) {
			const button = element('button', { type: 'button', class: 'plain' }, column.title);
			const head = element('th', { role: 'columnheader', scope: 'col' }, button);
			column.head = head;
			button.addEventListener('click', () => {
				this.#down = this.#sort === column && !this.#down;
				this.#sort = column;
				this.#paint();
			});
			find('columns').append(head);
		}
	}

	#write() {
		for (const column of columns) {
			if (column === this.#sort) column.head.setAttribute('aria-sort', this.#down ? 'descending' : 'ascending');
			else column.head.removeAttribute('aria-sort');
		}
		const found = this.#peers.filter((p) => matches(p, this.#words));
		for (const p of found) p.degree = this.#linked.get(p.id)?.length ?? 0;
		const sign = this.#down ? -1 : 1;
		found.sort((a, b) => sign * this.#sort.compare(a, b) || (a.id < b.id ? -1 : 1));
		const shown = found.slice(0, this.#shown);

		const rows = new Map();
		let place = this.#body.firstElementChild;
		for (const peer of shown) {
			const row = this.#rows.get(peer.id) ?? new Row(peer.id);
			rows.set(peer.id, row);
			row.write(peer, peer.id === this.#chosen);
			if (row.node === place) place = place.nextElementSibling;
			else this.#body.insertBefore(row.node, place);
		}
		for (const [id, row] of this.#rows) if (!rows.has(id)) this.#drop(row);
		this.#rows = rows;
		this.#tabStop();

		write(find('peers-text'), this.#words ? `${count(found.length, 'peer')} of ${this.#peers.length.toLocaleString('en-GB')} found` : count(found.length, 'peer'));
		find('rows-empty').hidden = found.length > 0;
		const more = find('rows-more');
		more.hidden = found.length <= shown.length;
		write(more, `Show ${Math.min(page, found.length - shown.length)} more of ${(found.length - shown.length).toLocaleString('en-GB')}`);
	}

	// drop takes a row away; whoever was in it goes on with the next.
	#drop({ node }) {
		const held = node.contains(document.activeElement);
		const next = node.nextElementSibling ?? node.previousElementSibling;
		node.remove();
		if (held) next?.focus();
	}

	// tabStop leaves one row in the order of tabs: arrow keys reach the others.
	#tabStop() {
		const rows = [...this.#body.children];
		const held = rows.find((r) => r.contains(document.activeElement)) ?? rows.find((r) => r.dataset.id === this.#chosen) ?? rows[0];
		for (const row of rows) row.tabIndex = row === held ? 0 : -1;
	}

	#key(event) {
		const row = event.target.closest('tr');
		if (event.target !== row) return;
		const to = {
			ArrowDown: row.nextElementSibling,
			ArrowUp: row.previousElementSibling,
			Home: this.#body.firstElementChild,
			End: this.#body.lastElementChild,
		}[event.key];
		if (to) {
			event.preventDefault();
			row.tabIndex = -1;
			to.tabIndex = 0;
			to.focus();
		} else if (event.key === 'Enter') {
			this.#choose(row.dataset.id);
		}
	}
}

function matches(peer, words) {
	if (!words) return true;
	return [peer.label, peer.id, peer.agent, peer.state, ...peer.addrs].some((s) => s.toLocaleLowerCase('en').includes(words));
}

class Row {
	#cells = {};

	constructor(id) {
		this.node = element('tr', { role: 'row', 'data-id': id, tabindex: '-1' });
		for (const { key, title } of columns) {
			const label = { since: title, rtt: title, links: title }[key];
			this.#cells[key] = element('td', { role: 'cell', class: key, 'data-label': label });
			this.node.append(this.#cells[key]);
		}
		this.#cells.peer.append(element('span', { class: 'id', title: id }, shortID(id)), copyButton(id, 'peer ID'));
		this.state = element('span');
		this.#cells.status.append(this.state);
	}

	write(peer, chosen) {
		const cells = this.#cells;
		this.node.classList.toggle('away', peer.state === 'away');
		this.node.setAttribute('aria-selected', String(chosen));
		cells.name.classList.toggle('none', !peer.label);
		write(cells.name, peer.label || 'no name');
		cells.name.title = peer.label;
		this.state.className = `state ${peer.state}`;
		write(this.state, peer.state);
		write(cells.since, age(peer.since));
		cells.since.title = new Date(peer.since).toLocaleString('en-GB');
		write(cells.rtt, milliseconds(peer.rtt));
		write(cells.links, peer.degree ? String(peer.degree) : '');
		write(cells.agent, peer.agent);
		cells.agent.title = peer.agent;
		write(cells.address, address(peer.addrs));
		cells.address.title = peer.addrs.join('\n');
	}
}

// address is the first one without the peer ID, which has its own column.
function address(addrs) {
	if (addrs.length === 0) return '';
	const first = addrs[0].replace(/\/p2p\/[^/]+$/, '');
	return addrs.length > 1 ? `${first} +${addrs.length - 1}` : first;
}
