/** How a decorator is made that works as a standard one, as an `experimentalDecorators` one, and round a plain function. */

/** Wraps a function, or decorates a method, that returns a promise. */
export interface AsyncDecorator {
  /** As a standard decorator. */
  <This, Args extends unknown[], T>(
    method: (this: This, ...args: Args) => Promise<T>,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Promise<T>>,
  ): (this: This, ...args: Args) => Promise<T>
  /** As a decorator under `experimentalDecorators`. */
  <Args extends unknown[], T>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<(...args: Args) => Promise<T>>,
  ): TypedPropertyDescriptor<(...args: Args) => Promise<T>>
  /** Round a plain function. */
  <This, Args extends unknown[], T>(fn: (this: This, ...args: Args) => Promise<T>): (this: This, ...args: Args) => Promise<T>
}

/** Wraps a function, or decorates a method, that returns a value and no promise. */
export interface SyncDecorator {
  /** As a standard decorator. */
  <This, Args extends unknown[], T>(
    method: (this: This, ...args: Args) => T,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => T>,
  ): (this: This, ...args: Args) => T
  /** As a decorator under `experimentalDecorators`. */
  <Args extends unknown[], T>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<(...args: Args) => T>,
  ): TypedPropertyDescriptor<(...args: Args) => T>
  /** Round a plain function. */
  <This, Args extends unknown[], T>(fn: (this: This, ...args: Args) => T): (this: This, ...args: Args) => T
}

type Method<T> = (...args: unknown[]) => T

/** Makes a decorator from what is to be done round each call. `operation` is the name of the method. */
export function asyncDecorator(
  run: (call: () => Promise<unknown>, operation: string | undefined) => Promise<unknown>,
): AsyncDecorator {
  return decoratorOf<Promise<unknown>>(run)
}

/** The same for methods that return a value and no promise. */
export function syncDecorator(run: (call: () => unknown, operation: string | undefined) => unknown): SyncDecorator {
  return decoratorOf<unknown>(run)
}

/** What both kinds of decorator can be given: a function (and a context), or a class, a key and a descriptor. */
function decoratorOf<R>(run: (call: () => R, operation: string | undefined) => R) {
  const wrap = (method: Method<R>, operation: string | undefined): Method<R> =>
    function (this: unknown, ...args: unknown[]): R {
      return run(() => method.apply(this, args), operation)
    }
  return (target: unknown, keyOrContext?: unknown, descriptor?: TypedPropertyDescriptor<Method<R>>): never => {
    if (descriptor === undefined) return wrap(method(target), nameOf(target, keyOrContext))
    return { ...descriptor, value: wrap(method(descriptor.value), String(keyOrContext)) }
  }
}
