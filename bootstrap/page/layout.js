// Where the overlay's peers lie. A peer keeps its place while others come and go,
// and gets it back when it returns.

const { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } = globalThis.d3;

const remembered = 5000; // places of peers that are gone
const warm = 0.12; // how much a change moves what lies still
const few = 80; // peers that get more room, for their names

export class Layout {
	nodes = [];
	links = [];
	#byID = new Map();
	#places = new Map();
	#pull = forceLink().id((n) => n.id);
	#push = forceManyBody().theta(1).distanceMax(420);
	#room = forceCollide();
	#force = forceSimulation()
		.stop()
		.velocityDecay(0.45)
		.alphaDecay(0.028)
		.force('link', this.#pull)
		.force('push', this.#push)
		.force('x', forceX().strength(0.06))
		.force('y', forceY().strength(0.06));

	node(id) {
		return this.#byID.get(id);
	}

	// shape makes the overlay as much wider than high as the screen is.
	shape(aspect) {
		const wide = Math.min(2.5, Math.max(0.5, aspect));
		this.#force.force('x').strength(0.06 / wide);
		this.#force.force('y').strength(0.06 * wide);
	}

	// set takes who is there and how they are linked.
	set({ nodes, links, linked }) {
		const first = this.nodes.length === 0;
		const before = this.#byID;
		this.#byID = new Map();
		let moved = nodes.length !== this.nodes.length || links.length !== this.links.length;
		for (const peer of nodes) {
			const node = before.get(peer.id) ?? { id: peer.id, born: first ? 0 : performance.now() };
			moved ||= !before.has(peer.id);
			node.peer = peer;
			node.linked = linked.get(peer.id);
			this.#byID.set(peer.id, node);
		}
		for (const [id, node] of before) {
			if (!this.#byID.has(id)) this.#remember(id, node);
		}
		this.nodes = [...this.#byID.values()];
		for (const node of this.nodes) if (node.x === undefined) this.#place(node);
		this.links = links.map(([source, target]) => ({ source, target }));
		this.#spread();
		this.#force.nodes(this.nodes);
		this.#pull.links(this.links);
		if (moved) this.#force.alpha(first ? 1 : Math.max(this.#force.alpha(), warm));
	}

	// spread gives each peer room by how many there are.
	#spread() {
		const lonely = Math.max(0, 1 - this.nodes.length / few);
		this.#pull.distance(54 + 60 * lonely);
		this.#push.strength(-110 - 260 * lonely);
		this.#room.radius(8 + 26 * lonely);
		this.#force.force('room', lonely > 0 ? this.#room : null);
	}

	#remember(id, { x, y }) {
		this.#places.delete(id);
		this.#places.set(id, { x, y });
		if (this.#places.size > remembered) this.#places.delete(this.#places.keys().next().value);
	}

	// place puts a new peer where it was, or near its linked peers, or at the rim.
	#place(node) {
		const place = this.#places.get(node.id);
		if (place) {
			Object.assign(node, place);
			return;
		}
		const near = node.linked.map((id) => this.#byID.get(id)).filter((n) => n.x !== undefined);
		const angle = turn(node.id);
		const far = near.length ? 30 : 12 * Math.sqrt(this.nodes.length) + 20 * Math.abs(Math.sin(7 * angle));
		const mean = (axis) => (near.length ? near.reduce((sum, n) => sum + n[axis], 0) / near.length : 0);
		node.x = mean('x') + far * Math.cos(angle);
		node.y = mean('y') + far * Math.sin(angle);
	}

	get moving() {
		return this.#force.alpha() > 0.004;
	}

	// settle moves everything for some milliseconds, or until it lies still.
	settle(budget) {
		const begin = performance.now();
		do this.#force.tick();
		while (this.moving && performance.now() - begin < budget);
		return performance.now() - begin;
	}

	// bounds is the rectangle that all lie in.
	bounds() {
		const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
		for (const { x, y } of this.nodes) {
			box.left = Math.min(box.left, x);
			box.right = Math.max(box.right, x);
			box.top = Math.min(box.top, y);
			box.bottom = Math.max(box.bottom, y);
		}
		return box;
	}
}

// turn makes an angle of an ID, always the same.
function turn(id) {
	let hash = 2166136261;
	for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16777619);
	return ((hash >>> 0) / 2 ** 32) * 2 * Math.PI;
}
