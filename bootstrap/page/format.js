// How things are written.

// shortID keeps what tells peers apart: all IDs of a kind begin alike.
export const shortID = (id) => (id.length > 14 ? `${id.slice(0, 4)}…${id.slice(-6)}` : id);

export const count = (n, one, many = `${one}s`) => `${n.toLocaleString('en-GB')} ${n === 1 ? one : many}`;

export function age(from, now = Date.now()) {
	const seconds = Math.max(0, Math.floor((now - from) / 1000));
	if (seconds < 10) return 'just now';
	if (seconds < 60) return `${Math.floor(seconds / 10) * 10} s`;
	if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
	if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
	return count(Math.floor(seconds / 86400), 'day');
}

export function milliseconds(ms) {
	if (!ms) return '';
	if (ms < 1) return `${ms.toFixed(2)} ms`;
	return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

export const clock = (at) => new Date(at).toLocaleTimeString('en-GB');
