/** AIM identifiers of symbologies that are dots, from Data Matrix (`]d`) to Han Xin (`]h`) and Grid Matrix (`]g`). */
const matrix = /^\][dLQUezJhg]/;

/** Whether the AIM identifier tells a symbology of dots: any text may stand there. */
export function isMatrix(symbology: string | undefined): boolean {
  return symbology !== undefined && matrix.test(symbology);
}

/** AIM identifiers of symbologies that are bars, not dots. */
const bars = /^\][ABCFGHIMRS]/;

/** Whether a symbology is one of bars, as the scanner tells it. */
export function isInBars(symbology: string | undefined): boolean {
  return symbology !== undefined && bars.test(symbology);
}
