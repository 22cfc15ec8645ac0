"use strict";
// Clicking a header sorts its table by that column: numbers by value, texts as people count
// ("10" after "9"), blanks last. Clicking it again turns the order.
const words = new Intl.Collator(undefined, { numeric: true });

function compare(one, other) {
  const [a, b] = [one, other].map((cell) => cell.dataset.value);
  return a !== undefined && b !== undefined ? a - b : words.compare(one.innerText, other.innerText);
}

function sort(header) {
  const table = header.closest("table");
  const column = header.cellIndex;
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  const blank = (row) => "blank" in row.cells[column].dataset;
  const rows = [...table.tBodies[0].rows].sort(
    (one, other) =>
      blank(one) - blank(other) ||
      (ascending ? 1 : -1) * compare(one.cells[column], other.cells[column]),
  );
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  table.tBodies[0].append(...rows);
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sort(button.closest("th")));
}
