// All that is known of one peer.

import { copyButton } from './copy.js';
import { element, find } from './dom.js';
import { age, milliseconds, shortID } from './format.js';

export function paintDetails(peer, linked, peers, choose) {
	const panel = find('details');
	panel.hidden = !peer;
	if (!peer) {
		delete panel.dataset.shown;
		return;
	}
	const now = JSON.stringify([peer, age(peer.since), linked.map((id) => peers.get(id)?.label)]);
	if (panel.dataset.shown === now) return;
	panel.dataset.shown = now;
	const held = panel.contains(document.activeElement);
	const close = element('button', { type: 'button', class: 'close', 'aria-label': 'Close' }, '×');
	close.addEventListener('click', () => choose(undefined));
	const facts = element('dl');
	const fact = (title, ...value) => {
		if (value.some((v) => v !== '')) facts.append(element('dt', {}, title), element('dd', {}, ...value));
	};
	fact('ID', element('code', {}, peer.id), ' ', copyButton(peer.id, 'peer ID'));
	fact('State', element('span', { class: `state ${peer.state}` }, peer.state));
	fact('Since', `${new Date(peer.since).toLocaleString('en-GB')} (${age(peer.since)})`);
	fact('Round trip', milliseconds(peer.rtt));
	fact('Agent', peer.agent);
	if (linked.length) fact('Links', links(linked, peers, choose));
	for (const [i, addr] of peer.addrs.entries()) fact(i ? '' : 'Addresses', element('code', {}, addr), ' ', copyButton(addr, 'address'));
	panel.replaceChildren(close, element('h3', {}, peer.label || shortID(peer.id)), facts);
	if (held) close.focus();
}

function links(linked, peers, choose) {
	const list = element('span', { class: 'links' });
	for (const id of linked) {
		const link = element('button', { type: 'button', class: 'plain', title: id }, peers.get(id)?.label || shortID(id));
		link.addEventListener('click', () => choose(id));
		list.append(link);
	}
	return list;
}
