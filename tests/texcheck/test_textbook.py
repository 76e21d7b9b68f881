"""What a textbook writes is read as it is meant: each text holds, and its false twin is refused."""

from pathlib import Path

import pytest
import texcheck

# Written from SYNTAX.md alone: steps of textbooks of many fields.
PAGE = texcheck.derivations(Path(__file__).with_name("textbook.md"))

# What is typed; what of it is replaced, and by what it is wrong.
TABLE = {
    "an index from the second place on": (
        "let: g_t \\in \\mathbb{R} \\quad (t=1,\\ldots,T); t \\in \\{2,\\ldots,T\\}\n"
        "claim: (g_t - g_{t-1})^2\n= g_t^2 - 2 g_t g_{t-1} + g_{t-1}^2",
        "+ g_{t-1}^2", "+ g_1^2"),
    "an index from the second place on, said twice": (
        "let: g_t \\in \\mathbb{R} \\quad (t=1,\\ldots,T); t \\in \\{2,\\ldots,T\\}\n"
        "assume: T \\ge 2\n"
        "claim: (g_t - g_{t-1})^2\n= g_t^2 - 2 g_t g_{t-1} + g_{t-1}^2",
        "- 2 g_t", "- g_t"),
    "an index below a number": (
        "let: n \\in \\mathbb{N}; k \\in \\{1,\\ldots,n-1\\}\n"
        "claim: \\binom{n}{k}\n= \\binom{n-1}{k} + \\binom{n-1}{k-1}", "{k-1}", "{k}"),
    "a label below a definition": (
        "let: x, x_t \\in \\mathbb{R}^d; \\alpha_t \\in (0,1)\n"
        "def: \\beta_t = 1 - \\alpha_t\n"
        "claim: \\alpha_t x + \\beta_t x_t\n= x_t + \\alpha_t (x - x_t)",
        "(x - x_t)", "(x + x_t)"),
    "a label beside a function of its letter": (
        "let: x_a \\in \\mathbb{R}^d; x_b \\in \\mathbb{R}^m\n"
        "fun: s : \\mathbb{R}^d \\to \\mathbb{R}^m; t : \\mathbb{R}^d \\to \\mathbb{R}^m\n"
        "def: y_b = x_b \\odot \\exp(s(x_a)) + t(x_a)\n"
        "claim: \\frac{\\partial y_b}{\\partial x_b}\n= \\mathrm{diag}(\\exp(s(x_a)))",
        "diag}(\\exp(s", "diag}(\\exp(t"),
    "a label of more than a letter": (
        "let: x_{t-1}, \\epsilon_t \\in \\mathbb{R}; a \\in (0,1)\n"
        "def: x_{t} = a x_{t-1} + \\epsilon_t\n"
        "claim: x_{t} - \\epsilon_t\n= a x_{t-1}", "\n= a", "\n= a^2"),
    "a divergence of an arbitrary function": (
        "let: x, y, z \\in \\mathbb{R}^n\nfun: \\phi : \\mathbb{R}^n \\to \\mathbb{R}\n"
        "def: D(u, v) = \\phi(u) - \\phi(v) - \\langle \\nabla \\phi(v), u - v \\rangle\n"
        "claim: D(x, z)\n= D(x, y) + D(y, z)"
        " + \\langle \\nabla \\phi(y) - \\nabla \\phi(z), x - y \\rangle",
        "D(y, z) +", "D(y, z) -"),
    "a flow through an arbitrary function": (
        "let: z, u, w \\in \\mathbb{R}^d; b \\in \\mathbb{R}\n"
        "fun: h : \\mathbb{R} \\to \\mathbb{R}\ndef: f(z) = z + u h(w^\\top z + b)\n"
        "claim: \\det \\frac{\\partial f(z)}{\\partial z}\n"
        "= 1 + h'(w^\\top z + b) u^\\top w", "= 1 +", "= 1 -"),
    "a function of a table": (
        "pmf: p(x, z)\ndef: F(x) = \\sum_z p(z \\mid x) \\log p(z \\mid x)\n"
        "claim: p(x) F(x) + p(x) \\log p(x)\n= \\sum_z p(x, z) \\log p(x, z)",
        "+ p(x)", "- p(x)"),
    "the determinant of a triangular block matrix": (
        "let: A \\in \\mathbb{R}^{n\\times n}; C \\in \\mathbb{R}^{m\\times n}; "
        "D \\in \\mathbb{R}^{m\\times m}\n"
        "claim: \\det \\begin{pmatrix} A & 0 \\\\ C & D \\end{pmatrix}\n= \\det(A) \\det(D)",
        "= \\det(A)", "= 2 \\det(A)"),
    "a product with blocks of zeros and identities": (
        "let: A \\in \\mathbb{S}^n_{++}; B \\in \\mathbb{R}^{n\\times m}; "
        "C \\in \\mathbb{R}^{m\\times n}; D \\in \\mathbb{R}^{m\\times m}\n"
        "claim: \\begin{pmatrix} A & B \\\\ C & D \\end{pmatrix}\n"
        "= \\begin{pmatrix} I & \\mathbf{0} \\\\ C A^{-1} & I \\end{pmatrix} "
        "\\begin{pmatrix} A & 0 \\\\ 0 & D - C A^{-1} B \\end{pmatrix} "
        "\\begin{pmatrix} I & A^{-1} B \\\\ 0 & I \\end{pmatrix}",
        "D - C", "D + C"),
    "a design matrix with a column of ones": (
        "let: x \\in \\mathbb{R}^n; a, b \\in \\mathbb{R}\n"
        "claim: \\begin{pmatrix} \\mathbf{1} & x \\end{pmatrix} "
        "\\begin{pmatrix} a \\\\ b \\end{pmatrix}\n= a \\mathbf{1} + b x", "+ b x", "- b x"),
    "a border with a corner of zero": (
        "let: A \\in \\mathbb{S}^n_{++}; b \\in \\mathbb{R}^n\n"
        "claim: \\det \\begin{pmatrix} A & b \\\\ b^\\top & 0 \\end{pmatrix}\n"
        "= -b^\\top A^{-1} b \\det(A)", "= -b", "= b"),
    "homogeneous coordinates": (
        "let: R \\in \\mathbb{R}^{n\\times n}; t, x \\in \\mathbb{R}^n\n"
        "claim: \\begin{pmatrix} R & t \\\\ 0 & 1 \\end{pmatrix} "
        "\\begin{pmatrix} x \\\\ 1 \\end{pmatrix}\n"
        "= \\begin{pmatrix} R x + t \\\\ 1 \\end{pmatrix}", "R x + t", "R x - t"),
    "two sums that vanish": (
        "let: \\theta \\in \\mathbb{R}^K\ndef: \\pi = \\mathrm{softmax}(\\theta)\n"
        "claim: \\sum_{a=1}^K \\pi_a \\nabla_\\theta \\log \\pi_a\n"
        "= \\sum_{a=1}^K \\nabla_\\theta \\pi_a\n= 0",
        "\\sum_{a=1}^K \\nabla_\\theta \\pi_a", "\\sum_{a=1}^K \\pi_a \\nabla_\\theta \\pi_a"),
    "deviations from the mean": (
        "let: x \\in \\mathbb{R}^n\ndef: m = \\frac{1}{n} \\sum_{i=1}^n x_i\n"
        "claim: \\sum_{i=1}^n (x_i - m)\n= -\\sum_{i=1}^n (m - x_i)\n= 0",
        "(m - x_i)", "(m + x_i)"),
    "a stochastic matrix": (
        "let: P \\in \\mathbb{R}_{\\ge 0}^{n\\times n}; r \\in \\mathbb{R}^n\n"
        "let: \\gamma \\in (0,1)\nassume: P \\mathbf{1} = \\mathbf{1}\n"
        "def: V = (I - \\gamma P)^{-1} r\n"
        "claim: V\n= r + \\gamma P V\nclaim: (I - \\gamma P)^{-1} \\mathbf{1}_n\n"
        "= \\frac{1}{1-\\gamma} \\mathbf{1}_n", "1-\\gamma}", "1+\\gamma}"),
    "a matrix whose columns add up to one": (
        "let: P \\in [0,1]^{n\\times n}; q \\in \\Delta^n\n"
        "assume: \\mathbf{1}^\\top P = \\mathbf{1}^\\top\n"
        "claim: \\mathbf{1}^\\top P^2 q\n= 1", "= 1", "= 2"),
    "the columns by the transpose": (
        "let: P \\in \\mathbb{R}_{>0}^{n\\times m}\nassume: P^\\top \\mathbf{1}_n = \\mathbf{1}_m\n"
        "claim: \\sum_{i=1}^n \\sum_{j=1}^m P_{ij}\n= m", "= m", "= n"),
    "every member of a sequence is stochastic": (
        "let: P_a \\in \\mathbb{R}_{\\ge 0}^{n\\times n} \\quad (a=1,\\ldots,M); "
        "u \\in \\mathbb{R}^n\n"
        "assume: P_a \\mathbf{1} = \\mathbf{1}\n"
        "claim: \\max_{i=1}^n (P_1 u)_i\n\\le \\max_{i=1}^n u_i",
        "max_{i=1}^n u_i", "min_{i=1}^n u_i"),
    "every member of a sequence is of length one": (
        "let: u_k \\in \\mathbb{R}^n \\quad (k=1,\\ldots,M)\nassume: \\|u_j\\|^2 = 1\n"
        "claim: \\sum_{k=1}^M \\mathrm{tr}(u_k u_k^\\top)\n= M", "= M", "= n"),
    "a condition on every place": (
        "let: a_t \\in \\mathbb{R} \\quad (t=1,\\ldots,3); x \\in \\mathbb{R}\n"
        "assume: a_t > x\nclaim: a_1 + a_2 + a_3\n\\ge 3 x", "3 x", "4 x"),
    "an argument of an anchor that is a column": (
        "let: A \\in \\mathbb{S}^n; b, x \\in \\mathbb{R}^n\n"
        "def: f(u) = \\frac{1}{2} u^\\top A u - b^\\top u\n"
        "code: f(u) == 0.5 * u @ A @ u - b @ u\nclaim: \\nabla f(x)\n= A x - b",
        "A x - b", "A x + b"),
    "a bare logarithm of a constant": (
        "let: s \\in \\mathbb{R}_{>0}\nclaim: \\frac{1}{2} \\log 2\\pi + \\log s\n"
        "= \\frac{1}{2} \\log(2\\pi s^2)", "2\\pi s", "\\pi s"),
    "a bare logarithm of three constants": (
        "let: s \\in \\mathbb{R}\nclaim: \\frac{1}{2} \\log 2\\pi e + s\n"
        "= \\frac{1}{2} + \\frac{1}{2} \\log(2\\pi) + s", "= \\frac{1}{2} +", "= 1 +"),
    "an identity of the size of what stands beside": (
        "let: x \\in \\mathbb{R}^d; s \\in \\mathbb{R}_{>0}; B \\in \\mathbb{R}^{m\\times n}\n"
        "claim: \\mathbb{E}_{w\\sim\\mathcal{N}(0, s I)}[(w^\\top x)^2] + \\mathrm{tr}(B B^\\top)\n"
        "= s \\|x\\|^2 + \\|B\\|_F^2", "s \\|x", "s^2 \\|x"),
    "the largest entry of what a maximum defines": (
        "let: P_a \\in \\mathbb{R}_{\\ge 0}^{n\\times n} \\quad (a=1,\\ldots,M); "
        "r_a \\in \\mathbb{R}^n \\quad (a=1,\\ldots,M)\n"
        "let: U, V \\in \\mathbb{R}^n; \\gamma \\in (0,1)\n"
        "assume: P_a \\mathbf{1} = \\mathbf{1}\n"
        "def: F_i = \\max_a (r_{a,i} + \\gamma \\sum_j P_{a,ij} U_j)\n"
        "def: G_i = \\max_a (r_{a,i} + \\gamma \\sum_j P_{a,ij} V_j)\n"
        "claim: \\max_i |F_i - G_i|\n\\le \\gamma \\max_i |U_i - V_i|",
        "\\le \\gamma", "\\le \\gamma^2"),
    "an index as an argument": (
        "let: W \\in \\mathbb{R}^{n\\times m}; x, y \\in \\mathbb{R}^m\n"
        "fun: \\phi : \\mathbb{R} \\to \\mathbb{R}\n"
        "def: T(v, i) = \\sum_j W_{ij} v_j + 0 \\phi(v_1)\n"
        "claim: \\sum_{i=1}^n (T(x, i) - T(y, i))\n= \\sum_{i=1}^n \\sum_j W_{ij} (x_j - y_j)",
        "(x_j - y_j)", "(x_j + y_j)"),
    "a minimum over a column that no line declares": (
        "let: X \\in \\mathbb{R}^{n\\times d}; y \\in \\mathbb{R}^n; "
        "\\lambda \\in \\mathbb{R}_{>0}\nclaim: \\arg\\min_w \\left( \\|y - X w\\|_2^2 + "
        "\\lambda \\|w\\|_2^2 \\right)\n"
        "= (X^\\top X + \\lambda I)^{-1} X^\\top y", "+ \\lambda I", "+ 2 \\lambda I"),
    "a minimum over a number that no line declares": (
        "let: a \\in \\mathbb{R}^n\nclaim: \\min_c \\sum_i (a_i - c)^2\n"
        "= \\sum_i a_i^2 - \\frac{1}{n} \\left( \\sum_i a_i \\right)^2", "^2 - ", "^2 + "),
    "an equality that is solved for a symbol": (
        "let: x_0, \\epsilon \\in \\mathbb{R}^d; \\bar{\\alpha}_t \\in (0,1)\nlet: x \\in "
        "\\mathbb{R}^d\n"
        "assume: x = \\sqrt{\\bar{\\alpha}_t} x_0 + \\sqrt{1 - \\bar{\\alpha}_t} \\, \\epsilon\n"
        "claim: \\nabla_x \\log "
        "\\mathcal{N}(x; \\sqrt{\\bar{\\alpha}_t} x_0, (1 - \\bar{\\alpha}_t) I)\n"
        "= -\\frac{x - \\sqrt{\\bar{\\alpha}_t} x_0}{1 - \\bar{\\alpha}_t}\n"
        "= -\\frac{\\epsilon}{\\sqrt{1 - \\bar{\\alpha}_t}}", "{\\epsilon}{", "{2 \\epsilon}{"),
    "two equalities": (
        "let: a, b, c \\in \\mathbb{R}\nassume: a = b + c, b = c^2\n"
        "claim: a\n= c^2 + c\nclaim: a - b\n= c", "= c^2 + c", "= c^2 - c"),
    "an anchor that calls an arbitrary function": (
        "let: z, u, w \\in \\mathbb{R}^d; b \\in \\mathbb{R}\n"
        "fun: h : \\mathbb{R} \\to \\mathbb{R}; \\phi : \\mathbb{R}^d \\to \\mathbb{R}^d\n"
        "def: f(z) = \\phi(z) + u h(w^\\top z + b)\ncode: f(z) == phi(z) + u * h(w @ z + b)\n"
        "claim: f(z) - \\phi(z)\n= h(w^\\top z + b) u", "= h(w", "= -h(w"),
    "a function with an index on the left": (
        "let: P_a \\in \\mathbb{R}_{\\ge 0}^{n\\times n} \\quad (a=1,\\ldots,M); "
        "r_a \\in \\mathbb{R}^n \\quad (a=1,\\ldots,M)\n"
        "let: U, V \\in \\mathbb{R}^n; \\gamma \\in (0,1)\n"
        "assume: P_a \\mathbf{1} = \\mathbf{1}\n"
        "def: T_i(v) = \\max_a (r_{a,i} + \\gamma \\sum_j P_{a,ij} v_j)\n"
        "code: T(U) == torch.amax(r + gamma * (P @ U), dim=0)\n"
        "claim: \\max_i |T_i(U) - T_i(V)|\n\\le \\gamma \\max_i |U_i - V_i|",
        "\\le \\gamma", "\\le \\gamma^2"),
    "an index that the argument gives its range": (
        "let: z \\in \\mathbb{R}^K; c \\in \\mathbb{R}; i \\in \\{1,\\ldots,K\\}\n"
        "def: S_k(a) = \\frac{e^{a_k}}{\\sum_j e^{a_j}}\n"
        "code: S(z) == torch.softmax(z, 0)\nclaim: S(z + c)\n= S(z)\n"
        "claim: \\frac{\\partial S_i(z)}{\\partial z_i}\n= S_i(z) (1 - S_i(z))", "(1 -", "(2 -"),
    "an index with its range": (
        "let: w_k \\in \\mathbb{R}^D \\quad (k=1,\\ldots,K); x \\in \\mathbb{R}^D\n"
        "fun: h : \\mathbb{R} \\to \\mathbb{R}\n"
        "def: y_k(u) = h(w_k^\\top u) \\quad (k=1,\\ldots,K)\n"
        "claim: \\nabla_x \\sum_{k=1}^K y_k(x)\n= \\sum_{k=1}^K h'(w_k^\\top x) w_k",
        "x) w_k", "x) x"),
    "an index of a function whose values are columns": (
        "let: W_k \\in \\mathbb{R}^{n\\times n} \\quad (k=1,\\ldots,K)\n"
        "let: b, x \\in \\mathbb{R}^n; k \\in \\{1,\\ldots,K\\}\n"
        "fun: h : \\mathbb{R} \\to \\mathbb{R}\ndef: f_k(u) = W_k u + h(0) b\n"
        "claim: \\sum_{j=1}^K f_j(x)\n= \\left(\\sum_{j=1}^K W_j\\right) x + K h(0) b\n"
        "claim: f_k(x) - f_k(b)\n= W_k (x - b)", "K h(0) b", "h(0) b"),
    "a free index that no line declares": (
        "let: P \\in \\mathbb{R}_{\\ge 0}^{n\\times n}; r \\in \\mathbb{R}^n\n"
        "let: \\gamma \\in (0,1)\nassume: P \\mathbf{1} = \\mathbf{1}\n"
        "def: V = (I - \\gamma P)^{-1} r\n"
        "claim: V_i\n= \\sum_{k=0}^\\infty \\gamma^k (P^k r)_i", "(P^k r)", "(P r)"),
    "two free indices of a derivative": (
        "let: A \\in \\mathbb{R}^{n\\times m}; B \\in \\mathbb{R}^{m\\times n}\n"
        "claim: \\frac{\\partial \\mathrm{tr}(A B)}{\\partial A_{ij}}\n= B_{ji}", "= B_{ji}",
        "= 2 B_{ji}"),
    "a free index of two claims and of a definition": (
        "let: z \\in \\mathbb{R}^K\ndef: a_i = e^{z_i}\n"
        "claim: \\frac{\\partial a_i}{\\partial z_j}\n= a_i \\delta_{ij}\n"
        "def: b_i = 2 a_i\nclaim: b_i\n= a_i + e^{z_i}\nclaim: \\sum_i b_i\n= 2 \\sum_i a_i",
        "a_i \\delta", "a_j + \\delta"),
    "a free index of a sequence": (
        "let: x_t \\in \\mathbb{R} \\quad (t=1,\\ldots,T); w, h_0 \\in \\mathbb{R}\n"
        "def: h_t = \\tanh(w h_{t-1} + x_t) \\quad (t=1,\\ldots,T)\n"
        "claim: \\frac{\\partial h_t}{\\partial h_{t-1}}\n= w (1 - h_t^2)", "= w", "= -w"),
    "a maximum over unit vectors": (
        "let: A \\in \\mathbb{S}^n; b \\in \\mathbb{R}^n\n"
        "claim: \\max_{\\|x\\| = 1} x^\\top A x\n= \\lambda_1(A)\n"
        "claim: \\max_{\\|u\\|_2 = 1} b^\\top u\n= \\|b\\|", "= \\lambda_1", "= \\lambda_2"),
    "a declared unit vector below a minimum": (
        "let: A \\in \\mathbb{S}^n; u \\in \\mathbb{R}^n\nassume: \\|u\\| = 1\n"
        "claim: \\min_{\\|u\\|^2=1} u^\\top A u + \\|u\\|\n= \\lambda_{\\min}(A) + 1",
        "\\lambda_{\\min}", "\\lambda_{\\max}"),
    "the steepest direction": (
        "let: x \\in \\mathbb{R}^n\nfun: f : \\mathbb{R}^n \\to \\mathbb{R}\n"
        "assume: \\|\\nabla f(x)\\| > 0.001\n"
        "claim: \\arg\\min_{\\|u\\|=1} u^\\top \\nabla f(x)\n"
        "= -\\frac{\\nabla f(x)}{\\|\\nabla f(x)\\|}", "= -", "= "),
    "the greatest over an interval": (
        "let: a, b \\in \\mathbb{R}_{>0}\n"
        "claim: \\arg\\max_{D\\in(0,1)} (a \\log D + b \\log(1 - D))\n= \\frac{a}{a + b}",
        "{a}{", "{b}{"),
    "the greatest over shares": (
        "let: m \\in \\mathbb{R}_{>0}^K\n"
        "claim: \\arg\\max_{\\mu\\in\\Delta^K} \\sum_{k=1}^K m_k \\log \\mu_k\n"
        "= \\frac{m}{\\mathbf{1}^\\top m}", "{m}{", "{2 m}{"),
    "the least at a kink": (
        "let: v \\in \\mathbb{R}; \\lambda \\in \\mathbb{R}_{>0}\n"
        "claim: \\arg\\min_{u\\in\\mathbb{R}} \\left( \\frac{1}{2} (u - v)^2 + "
        "\\lambda |u| \\right)\n= \\mathrm{sign}(v) \\max(|v| - \\lambda, 0)",
        "- \\lambda, 0", "- 2 \\lambda, 0"),
    "the least at kinks of a column": (
        "let: v \\in \\mathbb{R}^n; c \\in \\mathbb{R}_{>0}\n"
        "claim: \\min_{u\\in\\mathbb{R}^n} \\left( \\frac{1}{2} \\|u - v\\|^2 + c \\|u\\|_1 "
        "\\right)\n= \\sum_{i=1}^n \\left( c |v_i| - \\frac{c^2}{2} \\right) "
        "\\mathbb{1}[|v_i| > c] + \\sum_{i=1}^n \\frac{v_i^2}{2} "
        "\\mathbb{1}[|v_i| \\le c]", "+ \\sum", "- \\sum"),
    "an entry of the identity": (
        "let: a \\in \\mathbb{R}^K\ndef: y = \\mathrm{softmax}(a)\n"
        "claim: \\frac{\\partial y_k}{\\partial a_j}\n= y_k (I_{kj} - y_j)", "- y_j", "+ y_j"),
    "an identity whose size is a product": (
        "let: A \\in \\mathbb{R}^{n\\times n}; B \\in \\mathbb{R}^{m\\times m}\n"
        "claim: (A \\otimes B) I_{nm}\n= (A \\otimes I_m) (I_n \\otimes B)", "= (A",
        "= 2 (A"),
    "a divergence from a product": (
        "pmf: p(x, y)\nclaim: \\mathrm{KL}(p(x, y) \\,\\|\\, p(x) p(y))\n"
        "= -\\sum_x p(x) \\ln p(x) + \\sum_{x,y} p(x, y) \\ln p(x \\mid y)", "+ \\sum", "- \\sum"),
    "a divergence from a mixture of tables": (
        "pmf: p(x); g(x)\ndef: D(x) = \\frac{p(x)}{p(x) + g(x)}\n"
        "claim: \\sum_x p(x) \\log D(x) + \\log 2\n"
        "= \\mathrm{KL}\\left( p \\,\\Big\\|\\, \\frac{p + g}{2} \\right)", "{p + g}", "{p + p}"),
    "a divergence from a mixture of shares": (
        "let: p, q \\in \\Delta^K\nclaim: \\mathrm{KL}(p \\| \\tfrac{1}{2} (p + q))\n"
        "= \\sum_k p_k \\log p_k - \\sum_k p_k \\log(p_k + q_k) + \\log 2", "+ \\log 2",
        "- \\log 2"),
    "an argument of an anchor that a sum runs over": (
        "let: v \\in \\{0,1\\}^n; W \\in \\mathbb{R}^{n\\times m}; c \\in \\mathbb{R}^m\n"
        "def: E(v, h) = -c^\\top h - v^\\top W h\ncode: E(v, h) == -(c @ h) - v @ W @ h\n"
        "claim: \\log \\sum_{h\\in\\{0,1\\}^m} e^{-E(v, h)}\n"
        "= \\sum_{j=1}^m \\log\\left(1 + e^{c_j + v^\\top W_{:,j}}\\right)", "+ e^", "+ 2 e^"),
    "an argument of an anchor that is a sequence elsewhere": (
        "let: A \\in \\mathbb{S}^n_{++}; x_0 \\in \\mathbb{R}^n\n"
        "def: f(x) = \\frac{1}{2} x^\\top A x\ncode: f(u) == 0.5 * u @ A @ u\n"
        "def: x_t = x_{t-1} - \\nabla f(x_{t-1}) \\quad (t=1,\\ldots,M)\n"
        "claim: x_M\n= (I - A)^M x_0", "(I - A)", "(I + A)"),
    "a matrix above another one": (
        "let: A, B \\in \\mathbb{S}^n_{++}; C \\in \\mathbb{R}^{m\\times n}\nassume: A \\succeq B\n"
        "claim: C A C^\\top\n\\succeq C B C^\\top\nclaim: \\mathrm{tr}(B)\n\\le \\mathrm{tr}(A)",
        "{tr}(B)\n", "{tr}(3 B)\n"),
    "a block matrix by its Schur complement": (
        "let: S \\in \\mathbb{S}^n_{++}; T \\in \\mathbb{S}^m_{++}\n"
        "let: B \\in \\mathbb{R}^{n\\times m}\n"
        "assume: S - B T^{-1} B^\\top \\succ 0\n"
        "claim: \\log \\det \\begin{pmatrix} S & B \\\\ B^\\top & T \\end{pmatrix}\n"
        "= \\log \\det(T) + \\log \\det(S - B T^{-1} B^\\top)", "= \\log", "= 2 \\log"),
    "a matrix below another one": (
        "let: A, B \\in \\mathbb{S}^n_{++}\nassume: B \\prec A\n"
        "claim: A^{-1}\n\\preceq B^{-1}", "B^{-1}", "\\frac{1}{4} B^{-1}"),
    "the variance of a product with a kink": (
        "let: s, t \\in \\mathbb{R}_{>0}\n"
        "rv: w \\sim \\mathcal{N}(0, s); z \\sim \\mathcal{N}(0, t)\n"
        "claim: \\mathrm{Var}(w \\mathrm{ReLU}(z))\n= \\mathbb{E}[(w \\mathrm{ReLU}(z))^2]\n"
        "= \\frac{s t}{2}", "{2}", "{4}"),
    "the variance of a product that has a mean": (
        "let: m \\in \\mathbb{R}; s, t \\in \\mathbb{R}_{>0}\n"
        "rv: w \\sim \\mathcal{N}(m, s); z \\sim \\mathcal{N}(0, t)\n"
        "claim: \\mathrm{Var}(w |z|)\n= (m^2 + s) t - m^2 \\frac{2 t}{\\pi}", "2 t", "t"),
    "a power behind a word": (
        "let: s \\in \\mathbb{R}_{>0}\nrv: z \\sim \\mathcal{N}(0, s)\n"
        "claim: \\mathbb{E}[\\mathrm{ReLU}(z)^2]\n= \\frac{s}{2}", "{2}", "{4}"),
    "a power behind a trace": (
        "let: A \\in \\mathbb{R}^{n\\times n}; c \\in \\mathbb{R}\n"
        "claim: \\mathrm{tr}(c A)^2\n= c^2 \\mathrm{tr}(A)^2", "= c^2", "= c"),
    "an upright label, with and without braces": (
        "let: x_{\\mathrm b} \\in \\mathbb{R}\ndef: y_{\\mathrm b} = 2 x_{\\mathrm{b}}\n"
        "claim: y_{\\mathrm{b}} + x_{\\mathrm b}\n= 3 x_{\\mathrm b}", "= 3", "= 2"),
}


def errors(text, seed=0):
    return [str(e) for e in texcheck.check(texcheck.read_block(text), seed=seed).errors]


@pytest.mark.parametrize("text, right, wrong", TABLE.values(), ids=TABLE)
def test_a_true_step_passes_and_its_false_twin_does_not(text, right, wrong):
    assert right in text
    for seed in range(3):
        assert errors(text, seed) == []
        found = errors(text.replace(right, wrong), seed)
        assert any("[texcheck.value]" in e for e in found), found


# What is typed, and words of the error that says what to write.
REFUSED = {
    "a label that is bound": (
        "let: \\alpha_t \\in (0,1)\ndef: \\beta_t = 1 - \\alpha_t\n"
        "claim: \\sum_{t=1}^5 t \\beta_t\n= 15 \\beta_t", "t is bound here: give its range"),
    "an index that is only bound on the right": (
        "let: x \\in \\mathbb{R}^n\ndef: s_i = \\sum_i x_i\nclaim: s\n= s + 0",
        "already bound around this sum"),
    "sums of what is zero": (
        "let: x \\in \\mathbb{R}^n\ndef: z = x - x\n"
        "claim: \\sum_{i=1}^n z_i\n= \\sum_{i=1}^n z_i x_i", "nothing was tested"),
    "an identity of any size": (
        "let: s \\in \\mathbb{R}_{>0}; x \\in \\mathbb{R}^n; z \\in \\mathbb{R}^m\n"
        "claim: \\|x\\|^2 + \\|z\\|^2 + \\mathbb{E}_{w\\sim\\mathcal{N}(0, s I)}[w^\\top w]\n"
        "= s", "write I_n"),
    "a minimum over what may be a number or a column": (
        "let: X \\in \\mathbb{R}^{n\\times d}; u \\in \\mathbb{R}^n\n"
        "claim: \\min_w \\|w\\|^2 + \\|X\\|_F^2 + \\|u\\|^2\n= 0",
        "write _{w\\in\\mathbb{R}^d}"),
    "an anchor that computes something else with an arbitrary function": (
        "let: x \\in \\mathbb{R}\nfun: h : \\mathbb{R} \\to \\mathbb{R}\n"
        "def: f(z) = z + h(z)\ncode: f(x) == x + 2 * h(x)\nclaim: f(x) - x\n= h(x)",
        "the code computes something else"),
    "an entry or a size": (
        "let: A \\in \\mathbb{R}^{n\\times n}; i \\in \\{1,\\ldots,n\\}\nclaim: A_{ii} I_{in}\n= 0",
        "write \\delta_{in}"),
    "a divergence from what is no distribution": (
        "pmf: p(x, y)\nclaim: \\mathrm{KL}(p(x, y) \\,\\|\\, p(x) p(x))\n\\ge 0",
        "adds up to"),
    "a divergence of a mixture": (
        "pmf: p(x); g(x)\nclaim: \\mathrm{KL}(\\frac{p + g}{2} \\,\\|\\, p)\n\\ge 0",
        "give a mixture"),
    "a sequence as an argument of an anchor": (
        "let: A \\in \\mathbb{S}^n_{++}; x_0 \\in \\mathbb{R}^n\n"
        "def: f(x) = \\frac{1}{2} x^\\top A x\ncode: f(x) == 0.5 * x @ A @ x\n"
        "def: x_t = x_{t-1} - \\nabla f(x_{t-1}) \\quad (t=1,\\ldots,M)\n"
        "claim: x_M\n= (I - A)^M x_0", "a letter that no line declares, f(u)"),
    "a maximum over matrices of a norm": (
        "let: A \\in \\mathbb{R}^{n\\times n}\nclaim: \\max_{\\|W\\|_F=1} \\mathrm{tr}(A W)\n"
        "= \\|A\\|_F", "2 is expected here"),
    "a unit vector that is not a single one": (
        "let: A \\in \\mathbb{S}^n; b \\in \\mathbb{R}^n\n"
        "claim: b^\\top \\arg\\max_{\\|x\\|=1} (x^\\top A x)\n= \\|b\\|",
        "more than one unit vector"),
    "a kink where entries move with each other": (
        "let: v \\in \\mathbb{R}^n; W \\in \\mathbb{S}^n_{++}; c \\in \\mathbb{R}_{>0}\n"
        "claim: \\min_{u\\in\\mathbb{R}^n} \\left( (u - v)^\\top W (u - v) + c \\|u\\|_1 \\right)\n"
        "= c \\|v\\|_1", "moves with another"),
    "a jump that is no minimum": (
        "let: a \\in \\mathbb{R}_{>0}\n"
        "claim: \\min_{u\\in\\mathbb{R}} (|u| + a \\mathbb{1}[u < 0])\n= a",
        "texcheck."),
    "a bare logarithm with more behind": (
        "let: s \\in \\mathbb{R}_{>0}\nclaim: \\log 2\\pi s\n= \\log(2 \\pi s)",
        r"where the argument of \log ends is unclear: write \log("),
    "a power of what may be transposed": (
        "let: A, B \\in \\mathbb{R}^{n\\times n}; b_t \\in \\mathbb{R} \\quad (t=1,\\ldots,T)\n"
        "claim: b_T (A B)^T\n= b_T (A B)^T A A^{-1}", "(A * B)^T is read in two ways"),
    "an argument of an anchor that nothing tells": (
        "let: A \\in \\mathbb{S}^n; x, z \\in \\mathbb{R}^n\ndef: f(u) = u^\\top A u\n"
        "code: f(u) == u @ A @ u\nclaim: f(x - z)\n"
        "= f(x + z) - 4 x^\\top A z", "u is not declared and drawn as a number"),
    "an index that is an argument too": (
        "let: x \\in \\mathbb{R}^n\nfun: h : \\mathbb{R} \\to \\mathbb{R}\n"
        "def: g_i(i) = h(i)\nclaim: g_1(2)\n= h(2)", "an index is an argument too"),
    "an index of a function that nothing tells": (
        "fun: h : \\mathbb{R} \\to \\mathbb{R}\ndef: g_i(u) = i h(u)\n"
        "let: a \\in \\mathbb{R}\nclaim: \\sum_{k=1}^3 g_k(a)\n= 6 h(a)",
        "the reach of i is unclear"),
    "an index of a function beyond its end": (
        "let: W \\in \\mathbb{R}^{n\\times n}; x \\in \\mathbb{R}^n\n"
        "fun: h : \\mathbb{R} \\to \\mathbb{R}\ndef: g_i(v) = h(W_{i,:} v)\n"
        "claim: \\sum_{k=1}^{n+1} g_k(x)\n= g_1(x)", "is out of range 1 to"),
    "a function of what stands behind another definition": (
        "let: w, f \\in \\mathbb{R}^n\ndef: y = w^\\top f\ndef: E(w) = y^2\n"
        "claim: \\nabla E(w)\n= 2 y f", "write a value, def: E = "),
    "a free index with two ranges": (
        "let: x \\in \\mathbb{R}^n; y \\in \\mathbb{R}^m\nclaim: x_i + y_i\n= y_i + x_i",
        "the index i runs over"),
    "a free index on the right alone": (
        "let: x, y \\in \\mathbb{R}^n\nclaim: x^\\top y\n= x_i y_i",
        "let: i \\in \\{1,\\ldots,n\\}"),
    "an index that is free and summed over": (
        "let: x \\in \\mathbb{R}^n\nclaim: x_i + \\sum_i x_i\n= \\sum_i x_i + x_i",
        "i is not declared"),
    "a free letter that is no index": (
        "let: x \\in \\mathbb{R}^n\nclaim: x_i + i c\n= i c + x_i", "is not declared"),
    "a free index that ends with its claim": (
        "let: x, y \\in \\mathbb{R}^n\nclaim: (x + y)_i\n= x_i + y_i\ncode: x_i == x[i - 1]",
        "i is not declared"),
    "places of a sequence that is none": (
        "let: w_1, w_2, w_3 \\in \\mathbb{R}; x \\in \\mathbb{R}^3\n"
        "claim: \\sum_{k=1}^3 w_k x_k\n= w_1 x_1 + w_2 x_2 + w_3 x_3",
        "a sequence is declared with its range, let: w_k"),
    "blocks without a size": (
        "let: A \\in \\mathbb{R}^{n\\times n}\n"
        "claim: \\det \\begin{pmatrix} A & 0 \\\\ 0 & 0 \\end{pmatrix}\n= 0",
        "the size of a block is unknown"),
    "blocks that do not fit": (
        "let: A \\in \\mathbb{R}^{n\\times m}; B \\in \\mathbb{R}^{m\\times n}\n"
        "claim: \\begin{pmatrix} A & B \\end{pmatrix}\n= \\begin{pmatrix} A & A \\end{pmatrix}",
        "do not fit together"),
    "one of two indices": (
        "let: x \\in \\mathbb{R}^n; b_t \\in \\mathbb{R}\ndef: y_{it} = x_i + b_t\n"
        "claim: y\n= y + 0", "set a label upright, y_{\\mathrm{t}}"),
}


@pytest.mark.parametrize("text, words", REFUSED.values(), ids=REFUSED)
def test_what_is_read_in_two_ways_is_refused(text, words):
    found = errors(text)
    assert any(words in e for e in found), found


@pytest.mark.parametrize("found", PAGE, ids=[d.title for d in PAGE])
def test_a_derivation_of_a_textbook_holds(found):
    report = texcheck.check(texcheck.read_block(found.text, title=found.title))
    assert [str(e) for e in report.errors] == []
    assert report.results and all(r.ok for r in report.results)


def test_there_are_enough():
    assert len(PAGE) >= 130
