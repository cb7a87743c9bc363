// The feed of joins, leaves and claims.

import { element, find } from './dom.js';
import { clock, shortID } from './format.js';
import { perFrame } from './frame.js';

const kept = 100;

const said = {
	joined: 'joined',
	claimed: 'claimed this name',
	released: 'has this name no longer',
	back: 'is back',
	away: 'went away',
	left: 'left',
	expired: 'is no longer listed',
};

const gone = new Set(['away', 'left', 'expired']);

export class Feed {
	#list = find('feed');
	#waiting = [];
	#newest = 0; // when the last of them happened
	#paint = perFrame(() => this.#write());

	// catchUp takes what happened while the page was not looking, oldest first.
	catchUp(happenings) {
		const seen = this.#newest;
		for (const h of happenings) if (h.at > seen) this.add({ ...h, old: true });
	}

	add(happening) {
		this.#newest = Math.max(this.#newest, happening.at);
		this.#waiting.push(happening);
		if (this.#waiting.length > kept) this.#waiting.shift();
		this.#paint();
	}

	#write() {
		const lines = this.#waiting.slice(-kept).reverse().map(line);
		this.#waiting = [];
		this.#list.prepend(...lines);
		while (this.#list.children.length > kept) this.#list.lastElementChild.remove();
		find('feed-empty').hidden = this.#list.children.length > 0;
	}
}

function line({ at, kind, name, id, old }) {
	const who = name
		? [element('span', { class: 'who' }, name), ' ', element('span', { class: 'id', title: id }, shortID(id))]
		: [element('span', { class: 'who id', title: id }, shortID(id))];
	return element(
		'li',
		{ class: [gone.has(kind) && 'gone', !old && 'new'].filter(Boolean).join(' '), 'data-kind': kind },
		element('time', { datetime: new Date(at).toISOString() }, clock(at)),
		element('span', {}, ...who, ' ', said[kind] ?? kind),
	);
}
