/** How a command says with which code it ended: 0 done, 1 it failed, 2 it was asked wrongly. */
export type Exit = (code: number) => void;
