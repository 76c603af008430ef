/** The mark of Postern, an arch with a door's knob: our own drawing, as SVG. */
export const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><title>Postern</title><rect width="32" height="32" rx="7" fill="#0b7a58"/><path d="M10 25V14a6 6 0 0 1 12 0v11" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/><path d="M7 25h18" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/><circle cx="18.4" cy="18" r="1.6" fill="#fff"/></svg>';
