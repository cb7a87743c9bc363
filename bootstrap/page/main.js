// The page: events go into the model, and what they changed onto the screen.

import { Counters } from './counters.js';
import { paintDetails } from './details.js';
import { find, write } from './dom.js';
import { Feed } from './feed.js';
import { count, shortID } from './format.js';
import { perFrame } from './frame.js';
import { Graph } from './graph.js';
import { Model } from './model.js';
import { paintServers } from './servers.js';
import { listen } from './stream.js';
import { Table } from './table.js';

const busy = 500; // peers from which the overlay is drawn anew less often
const rest = 200; // milliseconds between that

const model = new Model();
const counters = new Counters();
const feed = new Feed();
const graph = new Graph(choose);
const table = new Table(choose);
let chosen;
let hidden = 0; // registrations that are too many to show

function choose(id) {
	chosen = id;
	graph.choose(id);
	table.choose(id);
	paint();
}

function show() {
	const overlay = model.overlay();
	graph.set(overlay);
	table.set([...model.peers.values()], overlay.linked);
	paintDetails(model.peers.get(chosen), overlay.linked.get(chosen) ?? [], model.peers, choose);
	paintCounters();
}

const showNow = perFrame(show);
const showSoon = perFrame(show, rest);
const paint = () => (model.peers.size > busy ? showSoon : showNow)();
model.changed(paint);

const paintCounters = () => {
	const online = [...model.peers.values()].filter((p) => p.state === 'online' || p.state === 'detached').length;
	counters.paint(online + hidden);
};

function identify({ network, server, open, members }) {
	write(find('network'), network);
	document.title = `${network} – Grapevine`;
	const where = find('server');
	write(where, `server ${shortID(server)}`);
	where.title = server;
	find('closed').hidden = open;
	paintServers(members, server);
}

listen({
	snapshot(all) {
		identify(all);
		hidden = Math.max(0, all.total - all.peers.length);
		find('capped').hidden = hidden === 0;
		write(find('capped'), `${count(hidden, 'more registration')} than this page shows.`);
		counters.replace(all.points);
		feed.catchUp(all.recent);
		model.replace(all.peers);
	},
	change(change) {
		const kind = model.apply(change);
		if (kind) feed.add({ at: change.at, kind, name: change.peer.name, id: change.peer.id });
	},
	told(selves) {
		model.hear(selves);
	},
	status(status) {
		identify(status);
		counters.add(status.points);
		paintCounters();
	},
	connection(state) {
		if (document.documentElement.dataset.connection === state) return;
		document.documentElement.dataset.connection = state;
		write(find('connection'), state);
	},
});

// For whoever measures or tests the page.
Object.defineProperty(globalThis, 'grapevine', { value: Object.freeze({ place: (id) => graph.place(id) }) });
