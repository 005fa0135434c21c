/** How a decorator is made that works as a standard one, as an `experimentalDecorators` one, and round a plain function. */

/** A decorator for methods of a kind, which also wraps plain functions of that kind. */
export interface DecoratorFor<Method> {
  /** As a standard decorator, or round a plain function. What comes back has the same parameters and type. */
  <F extends Method>(method: F, context?: DecoratorContext): F
  /** As a decorator under `experimentalDecorators`. */
  <F extends Method>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): TypedPropertyDescriptor<F>
}

/** The part of a standard decorator's context that is looked at. */
export interface DecoratorContext {
  readonly kind: 'method'
  readonly name: string | symbol
}

/** Decorates a method, or wraps a function, that returns a promise. */
export type AsyncDecorator = DecoratorFor<(...args: never[]) => Promise<unknown>>

/** Decorates a method, or wraps a function, that returns a value and no promise. */
export type SyncDecorator = DecoratorFor<(...args: never[]) => unknown>

/** What is done round each call of a decorated function; `operation` is the name of the method. */
export type Around = (call: () => unknown, operation: string | undefined) => unknown

/**
 * Makes a decorator from what is to be done round each call.
 *
 * @throws TypeError, when it is applied, if it stands on something that is no method
 */
export function decoratorFor<Method>(around: Around): DecoratorFor<Method> {
  function decorate<F extends Method>(method: F, context?: DecoratorContext): F
  function decorate<F extends Method>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): TypedPropertyDescriptor<F>
  function decorate(target: unknown, keyOrContext?: unknown, descriptor?: PropertyDescriptor): unknown {
    if (descriptor !== undefined) {
      const value: unknown = descriptor.value
      return { ...descriptor, value: wrap(value, typeof keyOrContext === 'string' ? keyOrContext : undefined, around) }
    }
    if (!isMethodOrFunction(keyOrContext)) throw new TypeError(MISPLACED)
    return wrap(target, operationOf(target, keyOrContext), around)
  }
  return decorate
}

const MISPLACED = 'this decorator is for methods; put it on a method or round a function'

/** A context that is a name is that of a property under `experimentalDecorators`. */
function isMethodOrFunction(context: unknown): boolean {
  if (typeof context === 'string' || typeof context === 'symbol') return false
  return typeof context !== 'object' || context === null || !('kind' in context) || context.kind === 'method'
}

function wrap(method: unknown, operation: string | undefined, around: Around): (...args: unknown[]) => unknown {
  if (typeof method !== 'function') throw new TypeError(MISPLACED)
  if (/Generator/.test(Object.prototype.toString.call(method))) {
    throw new TypeError('a generator works after it has returned, where no decorator sees it; guard the calls it makes')
  }
  const guarded = function (this: unknown, ...args: unknown[]): unknown {
    return around(() => Reflect.apply(method, this, args), operation)
  }
  // The name goes on, for errors, also to a decorator round this one.
  return operation === undefined ? guarded : Object.defineProperty(guarded, 'name', { value: operation })
}

function operationOf(target: unknown, context: unknown): string | undefined {
  const named = typeof context === 'object' && context !== null ? context : target
  if ((typeof named !== 'object' && typeof named !== 'function') || named === null || !('name' in named))
    return undefined
  return typeof named.name === 'string' && named.name !== '' ? named.name : undefined
}
