// The server's events. The browser comes back by itself with the last event's ID;
// what it gives up on, or what falls silent, is opened anew.

const silence = 20_000; // the server says something every 5 s
const firstWait = 1000;
const lastWait = 15_000;

export function listen({ snapshot, change, told, status, connection }) {
	let source;
	let heard = Date.now();
	let wait = firstWait;
	let timer;

	const on = (kind, take) =>
		source.addEventListener(kind, (event) => {
			heard = Date.now();
			wait = firstWait;
			take(JSON.parse(event.data));
			connection('live');
		});

	function open() {
		clearTimeout(timer);
		timer = undefined;
		source?.close();
		heard = Date.now();
		source = new EventSource('api/events');
		on('snapshot', snapshot);
		on('change', change);
		on('told', told);
		on('status', status);
		source.addEventListener('error', () => {
			connection('reconnecting');
			if (source.readyState === EventSource.CLOSED) later();
		});
	}

	function later() {
		if (timer !== undefined) return;
		timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
		wait = Math.min(2 * wait, lastWait);
	}

	setInterval(() => {
		if (timer === undefined && Date.now() - heard > silence) {
			connection('reconnecting');
			open();
		}
	}, 5000);
	open();
}
