/**
 * Where a list of any height is scrolled to. Browsers draw no element higher than some ten million
 * pixels, so a higher list has a shorter bar: small steps move by as many pixels as they say, a
 * dragged bar by its share of the whole, and when it rests the bar is put where the list is.
 */

/** Below what every browser draws. */
const HEIGHT_MAX = 6_000_000;

export class ScrollSpace {
  /** Of the whole list, in pixels. */
  top = 0;
  #height = 0;
  #viewport = 0;
  #barAt = 0;

  resize(height: number, viewport: number): void {
    this.#height = height;
    this.#viewport = viewport;
    this.top = this.#within(this.top);
  }

  /** Of the element that is scrolled. */
  get barHeight(): number {
    return Math.min(this.#height, HEIGHT_MAX);
  }

  /** The bar was moved to `at`; `isStep`: by a wheel, which means pixels however many. */
  barMoved(at: number, isStep: boolean): void {
    const step = at - this.#barAt;
    this.#barAt = at;
    if (this.#isExact) this.top = at;
    else if (isStep || Math.abs(step) <= 2 * this.#viewport) this.top = this.#within(this.top + step);
    else this.top = this.#within((at / this.#barRoom) * this.#room);
  }

  /** Goes to a place of the list; gives where the bar belongs. */
  moveTo(top: number): number {
    this.top = this.#within(top);
    this.#barAt = this.barPlace;
    return this.#barAt;
  }

  /** Where the bar belongs for the place that the list is at. */
  get barPlace(): number {
    return this.#isExact ? this.top : Math.round((this.top / this.#room) * this.#barRoom);
  }

  /** Where a place of the list is drawn, from the top of the element. */
  drawnAt(place: number): number {
    return this.#barAt + place - this.top;
  }

  get #isExact(): boolean {
    return this.#height <= HEIGHT_MAX;
  }

  get #room(): number {
    return Math.max(1, this.#height - this.#viewport);
  }

  get #barRoom(): number {
    return Math.max(1, this.barHeight - this.#viewport);
  }

  #within(top: number): number {
    return Math.max(0, Math.min(top, this.#height - this.#viewport));
  }
}
