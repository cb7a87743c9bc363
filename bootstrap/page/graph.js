// The overlay as a graph on a canvas.

import { Camera } from './camera.js';
import { find, write } from './dom.js';
import { count, shortID } from './format.js';
import { calm } from './frame.js';
import { Layout } from './layout.js';

const full = 2 * Math.PI;
const labelled = 60; // so many peers get their names drawn
const greeting = 1600; // milliseconds that a newcomer is marked
const budget = 5; // milliseconds of a frame for moving
const reach = 14; // pixels from a peer that still mean it

export class Graph {
	#canvas = find('graph');
	#pen = this.#canvas.getContext('2d');
	#layout = new Layout();
	#camera = new Camera();
	#choose;
	#chosen;
	#over;
	#colours = {};
	#asked = false;
	#debt = 0; // milliseconds that moving took beyond its budget
	#fresh = true;

	constructor(choose) {
		this.#choose = choose;
		this.#canvas.dataset.nodes = '0';
		this.#dress();
		for (const query of ['(prefers-color-scheme: dark)', '(prefers-reduced-motion: reduce)']) {
			matchMedia(query).addEventListener('change', () => this.#dress());
		}
		new ResizeObserver(() => this.#resize()).observe(this.#canvas);
		this.#point();
		this.#keys();
	}

	// set takes who is there and how they are linked.
	set(overlay) {
		this.#layout.set(overlay);
		const { nodes, links } = overlay;
		Object.assign(this.#canvas.dataset, { nodes: nodes.length, links: links.length });
		find('overlay-empty').hidden = nodes.length > 0;
		write(find('overlay-text'), this.#describe(nodes.length, links.length));
		if (this.#fresh && nodes.length > 0) {
			this.#fresh = false;
			this.#layout.settle(120);
			this.#camera.follow(this.#layout.bounds(), 1);
		}
		this.#draw();
	}

	choose(id) {
		this.#chosen = id;
		this.#draw();
	}

	// place tells where a peer is on the screen, for tests.
	place(id) {
		const node = this.#layout.node(id);
		return node && this.#camera.screen(node.x, node.y);
	}

	#describe(nodes, links) {
		if (nodes === 0) return '';
		if (links === 0) return `${count(nodes, 'peer')}; none tells of its links here`;
		const degrees = this.#layout.nodes.map((n) => n.linked.length);
		const alone = degrees.filter((d) => d === 0).length;
		const parts = [count(nodes, 'peer'), count(links, 'link'), `${((2 * links) / nodes).toFixed(1)} each`];
		if (alone) parts.push(`${alone} without any`);
		return parts.join(', ');
	}

	#dress() {
		const style = getComputedStyle(document.documentElement);
		for (const name of ['panel', 'text', 'dim', 'accent', 'link', 'tint']) this.#colours[name] = style.getPropertyValue(`--${name}`).trim();
		this.#colours.font = style.fontFamily;
		this.#draw();
	}

	#resize() {
		const { clientWidth: width, clientHeight: height } = this.#canvas;
		const dense = Math.min(devicePixelRatio || 1, 2);
		this.#canvas.width = Math.round(width * dense);
		this.#canvas.height = Math.round(height * dense);
		this.#pen.setTransform(dense, 0, 0, dense, 0, 0);
		this.#camera.resize(width, height);
		this.#layout.shape(width / height);
		this.#camera.follow(this.#layout.bounds(), 1);
		this.#paint(performance.now());
	}

	#draw() {
		if (this.#asked) return;
		this.#asked = true;
		requestAnimationFrame((now) => this.#frame(now));
	}

	// frame moves and paints, and asks for another while something moves. A big
	// overlay moves in some frames only, so that the page stays at hand.
	#frame(now) {
		this.#asked = false;
		const still = calm();
		let again = this.#layout.moving;
		if (again && this.#debt <= 0) this.#debt += this.#layout.settle(still ? 2 * budget : 0);
		this.#debt = Math.max(0, this.#debt - budget);
		again = this.#layout.moving;
		if (!still || !again) {
			again = this.#camera.follow(this.#layout.bounds(), still ? 1 : 0.12) || again;
			again = this.#paint(now) || again;
		}
		if (again) this.#draw();
	}

	// paint draws all and reports whether it looks different in a moment.
	#paint(now) {
		const { width, height, scale } = this.#camera;
		const pen = this.#pen;
		const colours = this.#colours;
		const { nodes, links } = this.#layout;
		const focus = this.#layout.node(this.#over) ?? this.#layout.node(this.#chosen);
		const near = focus && new Set([focus.id, ...focus.linked]);
		pen.clearRect(0, 0, width, height);

		for (const n of nodes) [n.px, n.py] = this.#camera.screen(n.x, n.y);
		const lines = (which, colour, thick, alpha) => {
			pen.beginPath();
			for (const l of links) {
				if (!which(l)) continue;
				pen.moveTo(l.source.px, l.source.py);
				pen.lineTo(l.target.px, l.target.py);
			}
			pen.strokeStyle = colour;
			pen.lineWidth = thick;
			pen.globalAlpha = alpha;
			pen.stroke();
			pen.globalAlpha = 1;
		};
		const touches = (l) => focus && (l.source === focus || l.target === focus);
		const dense = Math.min(1, 900 / Math.max(links.length, 1));
		lines((l) => !touches(l), colours.link, 1, (focus ? 0.35 : 0.85) * (0.25 + 0.75 * dense));
		if (focus) lines(touches, colours.accent, 1.6, 0.9);

		const edge = Math.min(1.5, 1.5 * scale);
		const zoom = Math.min(1.5, Math.max(0.45, Math.sqrt(scale)));
		for (const n of nodes) n.r = (4.2 + 1.1 * Math.sqrt(n.linked.length)) * zoom;
		const dots = (which, fill, stroke, alpha = 1) => {
			pen.beginPath();
			for (const n of nodes) {
				if (!which(n)) continue;
				pen.moveTo(n.px + n.r, n.py);
				pen.arc(n.px, n.py, n.r, 0, full);
			}
			pen.globalAlpha = alpha;
			pen.fillStyle = fill;
			pen.strokeStyle = stroke;
			pen.lineWidth = edge;
			pen.fill();
			if (edge > 0.5) pen.stroke();
			pen.globalAlpha = 1;
		};
		const far = (n) => near && !near.has(n.id);
		const sure = (n) => n.peer.state !== 'unconfirmed';
		dots((n) => sure(n) && far(n), colours.accent, colours.panel, 0.35);
		dots((n) => !sure(n), colours.panel, colours.accent, 0.8);
		dots((n) => sure(n) && !far(n), colours.accent, colours.panel);

		let soon = false;
		for (const n of nodes) {
			const since = now - n.born;
			if (calm() || n.born === 0 || since > greeting) continue;
			soon = true;
			pen.beginPath();
			pen.arc(n.px, n.py, n.r + 22 * (since / greeting), 0, full);
			pen.strokeStyle = colours.accent;
			pen.globalAlpha = 1 - Math.max(0, since) / greeting;
			pen.lineWidth = 2;
			pen.stroke();
			pen.globalAlpha = 1;
		}
		if (focus) {
			pen.beginPath();
			pen.arc(focus.px, focus.py, focus.r + 4, 0, full);
			pen.strokeStyle = colours.accent;
			pen.lineWidth = 2;
			pen.stroke();
		}
		this.#labels(nodes, focus, near);
		return soon;
	}

	#labels(nodes, focus, near) {
		const pen = this.#pen;
		const { width, height, scale } = this.#camera;
		const all = nodes.length <= labelled || scale > 1.8;
		pen.font = `600 12.5px ${this.#colours.font}`;
		pen.textAlign = 'center';
		pen.textBaseline = 'top';
		pen.lineJoin = 'round';
		for (const n of nodes) {
			const marked = near?.has(n.id) && (near.size <= labelled || n === focus);
			if (!(all && !near) && !marked) continue;
			if (n.px < -80 || n.py < -20 || n.px > width + 80 || n.py > height + 20) continue;
			if (!n.peer.label && n !== focus) continue;
			const text = short(n.peer.label || shortID(n.id));
			pen.strokeStyle = this.#colours.panel;
			pen.lineWidth = 4;
			pen.strokeText(text, n.px, n.py + n.r + 4);
			pen.fillStyle = this.#colours.text;
			pen.fillText(text, n.px, n.py + n.r + 4);
		}
	}

	#at(event) {
		const { left, top } = this.#canvas.getBoundingClientRect();
		return [event.clientX - left, event.clientY - top];
	}

	#nearest([px, py]) {
		let found;
		let best = reach;
		for (const n of this.#layout.nodes) {
			const away = Math.hypot(n.px - px, n.py - py) - n.r / 2;
			if (away < best) [best, found] = [away, n.id];
		}
		return found;
	}

	#point() {
		const canvas = this.#canvas;
		let from;
		let dragged = false;
		canvas.addEventListener('pointerdown', (event) => {
			if (event.button !== 0) return;
			from = this.#at(event);
			dragged = false;
			canvas.setPointerCapture(event.pointerId);
		});
		canvas.addEventListener('pointermove', (event) => {
			const at = this.#at(event);
			if (from) {
				if (!dragged && Math.hypot(at[0] - from[0], at[1] - from[1]) < 4) return;
				dragged = true;
				this.#camera.pan(at[0] - from[0], at[1] - from[1]);
				from = at;
			} else {
				const over = this.#nearest(at);
				if (over === this.#over) return;
				this.#over = over;
				canvas.classList.toggle('over', over !== undefined);
			}
			this.#draw();
		});
		canvas.addEventListener('pointerup', (event) => {
			if (from && !dragged) this.#choose(this.#nearest(this.#at(event)));
			from = undefined;
		});
		canvas.addEventListener('pointercancel', () => (from = undefined));
		canvas.addEventListener('pointerleave', () => {
			this.#over = undefined;
			this.#draw();
		});
		canvas.addEventListener('wheel', (event) => {
			if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
			event.preventDefault();
			this.#zoom(Math.exp(-event.deltaY / 200), this.#at(event));
		}, { passive: false });
		find('zoom-in').addEventListener('click', () => this.#zoom(1.4));
		find('zoom-out').addEventListener('click', () => this.#zoom(1 / 1.4));
		find('zoom-fit').addEventListener('click', () => this.#fit());
	}

	#zoom(factor, at) {
		this.#camera.zoom(factor, at);
		this.#draw();
	}

	#fit() {
		this.#camera.held = false;
		this.#draw();
	}

	#keys() {
		const step = (by) => {
			const order = this.#layout.nodes.map((n) => n.peer).sort((a, b) => compare(a.label || '\uffff', b.label || '\uffff') || compare(a.id, b.id));
			if (order.length === 0) return;
			const at = order.findIndex((p) => p.id === this.#over);
			const peer = order[at < 0 ? (by > 0 ? 0 : order.length - 1) : (at + by + order.length) % order.length];
			this.#over = peer.id;
			const links = this.#layout.node(peer.id).linked.length;
			write(find('overlay-spoken'), `${peer.label || shortID(peer.id)}, ${peer.state}, ${count(links, 'link')}`);
			this.#draw();
		};
		const keys = {
			ArrowRight: () => step(1),
			ArrowLeft: () => step(-1),
			Enter: () => this.#choose(this.#over),
			Escape: () => {
				this.#over = undefined;
				this.#choose(undefined);
			},
			'+': () => this.#zoom(1.4),
			'=': () => this.#zoom(1.4),
			'-': () => this.#zoom(1 / 1.4),
			0: () => this.#fit(),
		};
		this.#canvas.addEventListener('keydown', (event) => {
			if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
			event.preventDefault();
			keys[event.key]();
		});
		this.#canvas.addEventListener('blur', () => {
			this.#over = undefined;
			this.#draw();
		});
	}
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const short = (text) => (text.length > 22 ? `${text.slice(0, 21)}…` : text);
