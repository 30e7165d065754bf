/** Access to the document that several views share. */

export const byId = (id) => document.getElementById(id);
