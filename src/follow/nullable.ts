/** A member of an answer that may be null. */
import { type TSchema, Type } from "typebox";

export function nullable<Schema extends TSchema>(schema: Schema, description?: string) {
  return Type.Union([schema, Type.Null()], { ...(description !== undefined && { description }) });
}
