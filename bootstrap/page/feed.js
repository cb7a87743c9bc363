// The feed of joins, leaves and claims.

import { element, find } from './dom.js';
import { clock, shortID } from './format.js';
import { perFrame } from './frame.js';

const kept = 100;

const said = {
	joined: 'joined',
	claimed: 'claimed another name',
	back: 'is back',
	away: 'went away',
	left: 'left',
	expired: 'ended its lease by silence',
};

const gone = new Set(['away', 'left', 'expired']);

export class Feed {
	#list = find('feed');
	#waiting = [];
	#paint = perFrame(() => this.#write());

	// replace takes what happened before the page was opened, oldest first.
	replace(happenings) {
		this.#list.replaceChildren();
		this.#waiting = [];
		for (const h of happenings) this.#waiting.push({ ...h, old: true });
		this.#paint();
	}

	add(happening) {
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
