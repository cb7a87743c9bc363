// Buttons that copy.

import { element, find } from './dom.js';

export function copyButton(text, what) {
	const button = element('button', { type: 'button', class: 'copy', 'aria-label': `Copy ${what}`, title: `Copy ${what}` }, 'copy');
	button.addEventListener('click', async (event) => {
		event.stopPropagation();
		const done = await copy(text);
		button.textContent = done ? 'copied' : 'no';
		find('said').textContent = done ? `${what} copied` : `${what} could not be copied`;
		setTimeout(() => (button.textContent = 'copy'), 1500);
	});
	return button;
}

async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return copyBySelection(text); // the clipboard is for secure origins only
	}
}

function copyBySelection(text) {
	const before = document.activeElement;
	const field = element('textarea', { readonly: '', class: 'spoken' });
	field.value = text;
	document.body.append(field);
	field.select();
	const done = document.execCommand('copy');
	field.remove();
	before?.focus();
	return done;
}
