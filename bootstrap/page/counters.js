// The counters of the last ten minutes, each with its curve.

import { drawing, element, find, write } from './dom.js';

const kept = 120; // points, as the server keeps
const fewest = 24; // points that a curve is as wide as, so that two do not fill it
const width = 104;
const height = 34;

const kinds = [
	['online', 'Online', (points) => points.at(-1)?.online ?? 0],
	['joins', 'Joins', sum('joins')],
	['leaves', 'Leaves', sum('leaves')],
	['claims', 'Names claimed', sum('claims')],
	['lookups', 'Look-ups', sum('lookups')],
];

function sum(kind) {
	return (points) => points.reduce((total, p) => total + p[kind], 0);
}

export class Counters {
	#points = [];
	#tiles = new Map();

	constructor() {
		for (const [kind, title] of kinds) {
			const number = element('dd', { 'data-counter': kind }, '–');
			const area = drawing('polygon');
			const line = drawing('polyline');
			const curve = drawing('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, area, line);
			find('counters').append(element('div', { class: 'counter' }, element('dt', {}, title), number, curve));
			this.#tiles.set(kind, { number, area, line });
		}
	}

	// replace and add take the server's points.
	replace(points) {
		this.#points = points;
	}

	add(points) {
		const last = this.#points.at(-1)?.at ?? 0;
		this.#points = [...this.#points, ...points.filter((p) => p.at > last)].slice(-kept);
	}

	// paint draws them; who is online now is known better than by the last point.
	paint(online) {
		for (const [kind, , total] of kinds) {
			const tile = this.#tiles.get(kind);
			write(tile.number, (kind === 'online' ? online : total(this.#points)).toLocaleString('en-GB'));
			const values = this.#points.map((p) => p[kind]);
			if (kind === 'online') values.push(online);
			const step = width / Math.max(fewest, values.length - 1);
			const curve = points(values, step);
			tile.line.setAttribute('points', curve);
			tile.area.setAttribute('points', curve && `${width - (values.length - 1) * step},${height} ${curve} ${width},${height}`);
		}
	}
}

// points places values from the right, so that a curve grows from there.
function points(values, step) {
	if (values.length < 2) return '';
	const top = Math.max(...values, 1);
	return values
		.map((v, i) => `${(width - (values.length - 1 - i) * step).toFixed(1)},${(height - 2 - (v / top) * (height - 6)).toFixed(1)}`)
		.join(' ');
}
