/** AIM identifiers of symbologies that are dots, from Data Matrix (`]d`) to Han Xin (`]h`) and Grid Matrix (`]g`). */
const matrix = /^\][dLQUezJhg]/;

/** Whether the AIM identifier tells a symbology of dots: any text may stand there. */
export function isMatrix(symbology: string | undefined): boolean {
  return symbology !== undefined && matrix.test(symbology);
}
