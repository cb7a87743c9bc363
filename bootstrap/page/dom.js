// Elements, with text as text: nothing that came over the network is ever markup.

export const find = (id) => document.getElementById(id);

// element makes one; attributes whose value is undefined are left out.
export function element(tag, attributes = {}, ...children) {
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (value !== undefined) made.setAttribute(name, value);
	}
	made.append(...children);
	return made;
}

// drawing makes an SVG element.
export function drawing(tag, attributes = {}, ...children) {
	const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
	for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
	made.append(...children);
	return made;
}

// write changes an element's text if it has changed.
export function write(node, text) {
	if (node.textContent !== text) node.textContent = text;
}
