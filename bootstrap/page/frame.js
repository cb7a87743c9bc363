// Work on the screen, once a frame however often it is asked for.

// perFrame returns a function that lets work run in the next frame, and not more
// often than every rest milliseconds.
export function perFrame(work, rest = 0) {
	let asked = false;
	let last = -Infinity;
	const frame = (now) => {
		if (now - last < rest) {
			requestAnimationFrame(frame);
			return;
		}
		asked = false;
		last = now;
		work(now);
	};
	return () => {
		if (asked) return;
		asked = true;
		requestAnimationFrame(frame);
	};
}

// calm tells whether the reader asked for little motion.
const reduced = matchMedia('(prefers-reduced-motion: reduce)');
export const calm = () => reduced.matches;
