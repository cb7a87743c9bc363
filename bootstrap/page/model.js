// What the page knows: peers, by ID, made of their registrations.

export class Model {
	peers = new Map();
	#leases = new Map(); // registrations, by peer and name
	#listeners = [];

	// changed calls a listener whenever peers did.
	changed(listener) {
		this.#listeners.push(listener);
	}

	// replace takes all there is.
	replace(registrations) {
		this.#leases.clear();
		const before = this.peers;
		this.peers = new Map();
		for (const r of registrations) this.#lease(r).set(r.key ?? '', r);
		for (const id of this.#leases.keys()) this.#gather(id, before.get(id));
		this.#tell();
	}

	// apply takes one change and returns what happened to the peer, in a word of the
	// feed, or nothing worth telling.
	apply({ kind, peer: r }) {
		const before = this.peers.get(r.id);
		const was = before?.state;
		if (kind === 'left' || kind === 'expired') {
			const leases = this.#leases.get(r.id);
			leases?.delete(r.key ?? '');
			if (leases?.size === 0) this.#leases.delete(r.id);
		} else {
			this.#lease(r).set(r.key ?? '', r);
		}
		this.#gather(r.id, before);
		this.#tell();
		if (kind === 'updated') return was === 'away' && r.online ? 'back' : undefined;
		if (kind === 'expired' && was === 'away') return undefined;
		if ((kind === 'left' || kind === 'expired') && this.peers.has(r.id)) return r.name ? 'released' : undefined;
		if (kind === 'joined' && was !== undefined && r.name) return 'claimed';
		return kind;
	}

	// hear takes what peers tell of themselves.
	hear(selves) {
		for (const { id, key, agent, rtt_ms, neighbours } of selves) {
			const r = this.#leases.get(id)?.get(key ?? '');
			if (!r) continue;
			Object.assign(r, { agent, rtt_ms, neighbours });
			this.#gather(id, this.peers.get(id));
		}
		this.#tell();
	}

	#lease(r) {
		let leases = this.#leases.get(r.id);
		if (!leases) this.#leases.set(r.id, (leases = new Map()));
		return leases;
	}

	// gather makes a peer of its registrations; the object stays the same.
	#gather(id, peer = { id }) {
		const leases = [...(this.#leases.get(id)?.values() ?? [])];
		if (leases.length === 0) {
			this.peers.delete(id);
			return;
		}
		const told = leases.filter((r) => r.agent || r.neighbours?.length || r.rtt_ms).at(-1) ?? leases[0];
		peer.names = leases.map((r) => r.name).filter(Boolean).sort();
		peer.label = peer.names.join(', ');
		peer.since = Math.min(...leases.map((r) => Date.parse(r.since)));
		peer.state = state(leases);
		peer.addrs = leases[0].addrs;
		peer.agent = told.agent ?? '';
		peer.rtt = told.rtt_ms ?? 0;
		peer.neighbours = new Set(told.neighbours);
		this.peers.set(id, peer);
	}

	#tell() {
		for (const listener of this.#listeners) listener();
	}

	// overlay returns the peers that are there, the links between them, and each
	// one's linked peers. A link is one if either end tells of it.
	overlay() {
		const nodes = [...this.peers.values()].filter((p) => p.state !== 'away');
		const there = new Set(nodes.map((p) => p.id));
		const linked = new Map(nodes.map((p) => [p.id, []]));
		const links = [];
		for (const p of nodes) {
			for (const other of p.neighbours) {
				if (other === p.id || !there.has(other)) continue;
				if (other < p.id && this.peers.get(other).neighbours.has(p.id)) continue; // told by the other
				links.push([p.id, other]);
				linked.get(p.id).push(other);
				linked.get(other).push(p.id);
			}
		}
		return { nodes, links, linked };
	}
}

function state(leases) {
	if (leases.some((r) => r.online && !r.unconfirmed && !r.detached)) return 'online';
	if (leases.some((r) => r.unconfirmed)) return 'unconfirmed';
	if (leases.some((r) => r.detached)) return 'detached';
	return 'away';
}
