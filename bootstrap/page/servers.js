// The servers of the federation.

import { copyButton } from './copy.js';
import { element, find, write } from './dom.js';
import { count, shortID } from './format.js';

export function paintServers(members, self) {
	const up = members.filter((m) => m.reachable).length;
	write(find('servers-text'), members.length > 1 ? `${up} of ${members.length} up` : 'one, on its own');
	find('servers').replaceChildren(...members.map((m) => line(m, m.id === self)));
}

function line(m, here) {
	const role = m.leader ? element('span', { class: 'role leads' }, 'leads') : element('span', { class: 'role' }, m.voter ? 'follows' : 'has no vote yet');
	const id = element('span', {}, element('span', { class: 'id', title: m.id }, shortID(m.id)), copyButton(m.id, 'server ID'));
	return element(
		'li',
		{ class: m.reachable ? 'up' : 'lost' },
		id,
		role,
		element('span', { class: 'behind' }, [here && 'this server', state(m)].filter(Boolean).join(', ')),
	);
}

function state(m) {
	if (!m.reachable) return 'out of reach';
	return m.behind > 0 ? `${count(m.behind, 'entry', 'entries')} behind` : 'up to date';
}
