// What part of the overlay is on the screen. It follows the overlay until a reader
// takes it in hand.

const margin = 44; // pixels around the overlay
const closest = 1.6;
const smallest = 0.08;
const largest = 6;

export class Camera {
	x = 0;
	y = 0;
	scale = 1;
	held = false;
	width = 1;
	height = 1;

	resize(width, height) {
		this.width = width;
		this.height = height;
	}

	// follow goes a part of the way to where all is seen, and reports whether there
	// is some way left.
	follow(bounds, part) {
		if (this.held || bounds.left > bounds.right) return false;
		const wide = bounds.right - bounds.left;
		const high = bounds.bottom - bounds.top;
		const fit = Math.min((this.width - 2 * margin) / Math.max(wide, 1), (this.height - 2 * margin) / Math.max(high, 1));
		const to = { x: (bounds.left + bounds.right) / 2, y: (bounds.top + bounds.bottom) / 2, scale: Math.max(smallest, Math.min(closest, fit)) };
		const left = Math.hypot(to.x - this.x, to.y - this.y) * to.scale + 400 * Math.abs(Math.log(to.scale / this.scale));
		if (left < 1) return false;
		this.x += (to.x - this.x) * part;
		this.y += (to.y - this.y) * part;
		this.scale *= (to.scale / this.scale) ** part;
		return part < 1;
	}

	// zoom keeps the place under a point of the screen where it is.
	zoom(factor, [px, py] = [this.width / 2, this.height / 2]) {
		const [x, y] = this.place(px, py);
		this.held = true;
		this.scale = Math.max(smallest, Math.min(largest, this.scale * factor));
		this.x = x - (px - this.width / 2) / this.scale;
		this.y = y - (py - this.height / 2) / this.scale;
	}

	pan(dx, dy) {
		this.held = true;
		this.x -= dx / this.scale;
		this.y -= dy / this.scale;
	}

	// screen returns where a place is on the screen; place does the reverse.
	screen(x, y) {
		return [(x - this.x) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2];
	}

	place(px, py) {
		return [(px - this.width / 2) / this.scale + this.x, (py - this.height / 2) / this.scale + this.y];
	}
}
